import { statSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { statFingerprint } from "../disk/stat-fingerprint.js";
import type { PullOutcome } from "./pull-outcome.js";

/** What changes with each fetch, commit, checkout and reset, whichever process makes it. */
const GIT_STATE_FILES = ["FETCH_HEAD", "HEAD", "logs/HEAD"];

/** How git's folder looked when nothing was left to pull. */
interface UpToDate {
  readonly gitDir: string;
  readonly intervalS: number;
  readonly fingerprint: string;
}

interface RunningPull {
  readonly always: boolean;
  readonly outcome: Promise<PullOutcome>;
}

/** What this process knows of its pulls, by the vault's folder. */
class PullCache {
  readonly #running = new Map<string, RunningPull>();
  readonly #upToDate = new Map<string, UpToDate>();
  readonly #warned = new Map<string, Set<PullOutcome>>();

  /** Runs one pull of a vault at a time. Calls that ask for no more than the one under way get its outcome; others come after it. */
  share(root: string, always: boolean, pull: () => Promise<PullOutcome>): Promise<PullOutcome> {
    const running = this.#running.get(root);
    if (running && (running.always || !always)) return running.outcome;
    const outcome = Promise.resolve(running?.outcome)
      .then(pull)
      .finally(() => {
        if (this.#running.get(root)?.outcome === outcome) this.#running.delete(root);
      });
    this.#running.set(root, { always, outcome });
    return outcome;
  }

  /** Whether nothing was left to pull, and nothing has happened since: then git need not be asked again. */
  upToDate(context: Context, root: string): boolean {
    const seen = this.#upToDate.get(root);
    return (
      seen !== undefined &&
      wasFetchedWithin(context, seen.gitDir, seen.intervalS) &&
      statFingerprint(seen.gitDir, GIT_STATE_FILES) === seen.fingerprint
    );
  }

  markUpToDate(root: string, gitDir: string, intervalS: number): void {
    this.#upToDate.set(root, { gitDir, intervalS, fingerprint: statFingerprint(gitDir, GIT_STATE_FILES) });
  }

  /** Warns of an outcome once until the vault is up to date: a program that reads on need not hear it with each secret. */
  warnOnce(context: Context, root: string, outcome: PullOutcome, message: string): PullOutcome {
    const outcomes = this.#warned.get(root) ?? new Set();
    this.#warned.set(root, outcomes);
    if (!outcomes.has(outcome)) context.warn(message);
    outcomes.add(outcome);
    return outcome;
  }

  forgetWarnings(root: string): void {
    this.#warned.delete(root);
  }
}

/** The one cache of this process. */
export const pullCache = new PullCache();

/** Whether git last fetched within that time, successfully or not: it touches FETCH_HEAD each time. A time in the future says nothing. */
export function wasFetchedWithin(context: Context, gitDir: string, seconds: number): boolean {
  const fetched = statSync(join(gitDir, "FETCH_HEAD"), { throwIfNoEntry: false });
  if (!fetched) return false;
  const ageMs = context.now().getTime() - fetched.mtimeMs;
  return ageMs >= 0 && ageMs < seconds * 1000;
}
