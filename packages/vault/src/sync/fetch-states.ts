import { dirname } from "node:path";
import type { Context } from "../context.js";
import { findGitFolders, mayHaveRemote } from "../git/git-folders.js";
import type { Keys } from "../keys/find-key.js";
import { fetchCache } from "./fetch-cache.js";
import type { FetchOutcome } from "./fetch-outcome.js";
import { isPushed } from "../trust/made-states.js";
import { statesOn, type MadeState } from "../trust/memory.js";
import { readMemory } from "../trust/memory-store.js";
import { readFetchRecord, type FetchRecord } from "./fetch-record.js";

/** When a vault's remote is asked, and whose keys say which owner to trust. */
export interface FetchOptions {
  /** Ask it also where it was asked within the vault's `pull_interval`. */
  readonly always?: boolean | undefined;
  /** When what the states are for began: where the remote was asked since then, it is not asked again, whatever the interval. */
  readonly since?: Date | undefined;
  readonly keys?: Keys | undefined;
}

/**
 * Asks the remote for the vault's newest states: of the branch that the checked-out one follows, and of the vault's main branch. They go
 * into refs of our own. No branch moves, no file of the work tree changes, and nothing that was fetched is checked out. What prevents it is
 * a warning, said once, since what is here can still be read; with `always` it is said each time. Calls for the same vault while one is under way share it.
 * @param root absolute path of the vault's folder
 * @throws VaultError `GIT_FAILED` where `AGENT_VAULT_REQUIRE_FRESH` is set, and in strict mode where a fetch begins and cannot end
 */
export function fetchStates(context: Context, root: string, { always = false, since, keys }: FetchOptions = {}): Promise<FetchOutcome> {
  return fetchCache.share(root, always, async () => {
    if (always && !findGitFolders(dirname(root))) context.warn(`${dirname(root)} is in no git repository, so nothing was fetched.`);
    if (!mayHaveRemote(context, dirname(root))) return "no-remote";
    const isNeeded = () => {
      const record = readFetchRecord(root);
      if (always || !record || isIncomplete(record)) return true;
      if (since && record.triedAt >= since.getTime() && record.triedAt <= context.now().getTime()) return false;
      return !wasAskedRecently(context, record) || isKnownToBeOld(context, record);
    };
    if (!isNeeded()) return "recent";
    if (context.repositoryUrl) {
      const { refreshClone } = await import("./clone.js");
      return refreshClone(context, context.repositoryUrl, root, { keys, onPurpose: always, isNeeded });
    }
    const { askRemote } = await import("./ask-remote.js");
    return askRemote(context, root, { keys, onPurpose: always });
  });
}

/** Whether the remote was asked within the vault's interval, whether or not it answered. A time in the future says nothing. */
function wasAskedRecently(context: Context, { triedAt, intervalS }: FetchRecord): boolean {
  const ageMs = context.now().getTime() - triedAt;
  return ageMs >= 0 && ageMs < intervalS * 1000;
}

/** Whether files of a partial clone were left out, as for a state that could not be verified with the keys of then. */
function isIncomplete({ home, upstream }: FetchRecord): boolean {
  return [home, upstream].some((tip) => tip?.isWhole === false);
}

/** Whether another clone on this machine has fetched or pushed something since. */
function isKnownToBeOld(context: Context, { vault, remote, home, upstream }: FetchRecord): boolean {
  const memory = vault === undefined ? undefined : readMemory(context, vault);
  if (!memory) return false;
  return [home, upstream].some((tip) => {
    if (tip?.lock === undefined) return false;
    const seen = statesOn(memory, remote, tip.ref);
    const isOther = ({ lock, follows }: MadeState) => follows?.remote === remote && follows.ref === tip.ref && lock !== tip.lock;
    return (
      (seen.length > 0 && !seen.some(({ lock }) => lock === tip.lock)) ||
      memory.made.some((made) => isOther(made) && isPushed(context, made))
    );
  });
}
