import { VaultError, type Context } from "@agent-vault/vault/read-only";

/** How many calls run at the same time. */
export const MAX_CALLS = 16;

/** Limits how many calls of a client run at the same time. */
export class CallLimit {
  #open = 0;

  /** @returns a function to call when the call has ended @throws VaultError `BUSY` */
  take(): () => void {
    if (this.#open >= MAX_CALLS) {
      throw new VaultError("BUSY", `${MAX_CALLS} calls are running, which is the limit.`, {
        remedy: "Wait until one of them has ended, then call again.",
      });
    }
    this.#open += 1;
    return () => {
      this.#open -= 1;
    };
  }
}

/** Locks the server when it was not used for a while, until a person confirms that they are there. */
export class IdleLock {
  readonly #now: Context["now"];
  readonly #afterMs: number;
  #lastUse: number;

  /** @param afterMs how long without a use it locks */
  constructor({ now }: Pick<Context, "now">, afterMs: number) {
    this.#now = now;
    this.#afterMs = afterMs;
    this.#lastUse = now().getTime();
  }

  get isLocked(): boolean {
    const idleMs = this.#now().getTime() - this.#lastUse;
    // A clock that was set back says nothing about how long ago the last use was.
    return idleMs < 0 || idleMs >= this.#afterMs;
  }

  used(): void {
    this.#lastUse = this.#now().getTime();
  }
}
