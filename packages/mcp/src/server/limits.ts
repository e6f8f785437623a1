import { VaultError, type Context } from "@agent-vault/vault/read-only";

/** How many calls are worked at together. */
export const MOST_CALLS = 16;

/** Keeps a client from having more done at once than a machine can bear. */
export class CallLimit {
  #open = 0;

  /** @returns what gives the place back @throws VaultError `BUSY` */
  take(): () => void {
    if (this.#open >= MOST_CALLS) {
      throw new VaultError("BUSY", `${MOST_CALLS} calls are under way, which is as many as are worked at together.`, {
        remedy: "Wait for some of them to end, then call again.",
      });
    }
    this.#open += 1;
    return () => {
      this.#open -= 1;
    };
  }
}

/** Locks what nobody has used for a while, until a person says that they are there. */
export class IdleLock {
  readonly #now: Context["now"];
  readonly #after: number;
  #lastUse: number;

  /** @param after milliseconds */
  constructor({ now }: Pick<Context, "now">, after: number) {
    this.#now = now;
    this.#after = after;
    this.#lastUse = now().getTime();
  }

  get isLocked(): boolean {
    const idle = this.#now().getTime() - this.#lastUse;
    // A clock that was set back says nothing about how long ago the last use was.
    return idle < 0 || idle >= this.#after;
  }

  used(): void {
    this.#lastUse = this.#now().getTime();
  }
}
