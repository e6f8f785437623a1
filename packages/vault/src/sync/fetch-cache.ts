import type { Context } from "../context.js";
import type { FetchOutcome } from "./fetch-outcome.js";

interface RunningFetch {
  readonly always: boolean;
  readonly outcome: Promise<FetchOutcome>;
}

/** What this process knows of its fetches, by the vault's folder. */
class FetchCache {
  readonly #running = new Map<string, RunningFetch>();
  readonly #warned = new Set<string>();

  /** Runs one fetch of a vault at a time. Calls that ask for no more than the one under way get its outcome; others come after it. */
  share(root: string, always: boolean, fetch: () => Promise<FetchOutcome>): Promise<FetchOutcome> {
    const running = this.#running.get(root);
    if (running && (running.always || !always)) return running.outcome;
    const outcome = Promise.resolve(running?.outcome)
      .then(fetch)
      .finally(() => {
        if (this.#running.get(root)?.outcome === outcome) this.#running.delete(root);
      });
    this.#running.set(root, { always, outcome });
    return outcome;
  }

  /** Warns once until the remote answers again: a program that reads on need not hear it with each secret. */
  warnOnce(context: Context, root: string, message: string): void {
    if (!this.#warned.has(root)) context.warn(message);
    this.#warned.add(root);
  }

  forgetWarnings(root: string): void {
    this.#warned.delete(root);
  }
}

/** The one cache of this process. */
export const fetchCache = new FetchCache();
