import type { PendingCall } from "./pending-call.js";

/** How long a finished or forgotten conversation can be taken up again, in milliseconds. */
const KEPT = 10 * 60_000;
/** More than any client asks a person at once. */
const MOST = 64;

interface Kept<T> {
  readonly conversation: PendingCall<T>;
  /** What was called, with what. */
  readonly about: string;
  readonly timer: NodeJS.Timeout;
}

/** The conversations that wait for their client to come back, by a number that nobody can guess. */
export class PendingCalls<T> {
  readonly #kept = new Map<string, Kept<T>>();
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** @returns what the client has to show to go on with it */
  keep(conversation: PendingCall<T>, about: string): string {
    for (const [id, { conversation: same }] of this.#kept) if (same === conversation) return id;
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST && oldest !== undefined) {
      this.#kept.get(oldest)!.conversation.abort();
      this.forget(oldest);
    }
    const id = this.#newId();
    this.#kept.set(id, { conversation, about, timer: setTimeout(() => this.forget(id), KEPT).unref() });
    return id;
  }

  /** @returns `undefined` where there is none, or where it is about something else */
  find(id: string, about: string): PendingCall<T> | undefined {
    const kept = this.#kept.get(id);
    return kept?.about === about ? kept.conversation : undefined;
  }

  forget(id: string): void {
    clearTimeout(this.#kept.get(id)?.timer);
    this.#kept.delete(id);
  }
}
