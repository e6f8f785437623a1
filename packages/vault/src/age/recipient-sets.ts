import type { Recipient } from "./recipient.js";

/** The different lists of recipients in a batch, each sent to a worker once. */
export class RecipientSets {
  readonly texts: string[][] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(recipients: readonly Recipient[]): number {
    const key = recipients.map(({ text }) => text).join();
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.texts.push(recipients.map(({ text }) => text)) - 1;
      this.#indexes.set(key, index);
    }
    return index;
  }
}
