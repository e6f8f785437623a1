import type { PendingCall } from "./pending-call.js";

/** How long a call waits for its client to come back. */
const RETENTION_MS = 10 * 60_000;
/** More than any client asks a person at once. */
const MAX_CALLS = 64;

interface Entry<T> {
  readonly call: PendingCall<T>;
  readonly fingerprint: string;
  readonly timer: NodeJS.Timeout;
}

/** The calls that wait for their client to come back with an answer, by an id that cannot be guessed. */
export class PendingCalls<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** @param fingerprint of the tool and its arguments @returns the id that the client has to present to go on with it */
  keep(call: PendingCall<T>, fingerprint: string): string {
    for (const [id, entry] of this.#entries) if (entry.call === call) return id;
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= MAX_CALLS && oldest !== undefined) {
      this.#entries.get(oldest)!.call.abort();
      this.forget(oldest);
    }
    const id = this.#newId();
    const timer = setTimeout(() => this.forget(id), RETENTION_MS).unref();
    this.#entries.set(id, { call, fingerprint, timer });
    return id;
  }

  /** @returns `undefined` where there is none, or where its tool or arguments differ */
  find(id: string, fingerprint: string): PendingCall<T> | undefined {
    const entry = this.#entries.get(id);
    return entry?.fingerprint === fingerprint ? entry.call : undefined;
  }

  forget(id: string): void {
    clearTimeout(this.#entries.get(id)?.timer);
    this.#entries.delete(id);
  }
}
