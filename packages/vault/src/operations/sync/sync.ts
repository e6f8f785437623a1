import type { Context } from "../../context.js";
import { VaultError } from "../../errors.js";
import { VaultFolder } from "../../files/vault-folder.js";
import type { Keys } from "../../keys/keys.js";
import { loadVaultKeys } from "../../keys/vault-keys.js";
import type { Digest } from "../../lock/digest.js";
import { vaultIdIn } from "../../lock/open-lock.js";
import { followedBy } from "../../trust/followed.js";
import { joinOnto, sync as syncWith, type SyncOptions, type SyncResult } from "../../sync/sync.js";
import { mergingBy, NotMerged, StillLocked } from "./merge-diverged.js";
import type { MergeAnswers, MergeReport, MergeReview } from "./merge-review.js";

/** How a sync is made, and how conflicts are decided. */
export interface SyncRequest extends Omit<SyncOptions, "merge"> {
  /** Join with this branch of the remote first, by its name or its whole ref, as where a pull request's base has moved. */
  readonly onto?: string | undefined;
  /** The side whose answer counts in every conflict; where the state that both sides go back to is missing, a person is asked all the same. */
  readonly side?: "ours" | "theirs" | undefined;
  /** Shows a person a merge that has conflicts or is the vault's first, and asks; absent where there is nobody to ask. */
  readonly review?: ((review: MergeReview) => Promise<MergeAnswers>) | undefined;
  /** Has a person confirm each merge that nothing is left to decide in, before it is signed; absent where nobody need. @throws VaultError */
  readonly confirm?: ((review: MergeReview) => Promise<void>) | undefined;
}

/** What a sync brought and sent. */
export interface SyncReport extends SyncResult {
  /** What was merged; absent where only one side had changed the vault. */
  readonly merged?: MergeReport | undefined;
  /** What came from the branch that was joined first, in commits; absent where none was asked for. */
  readonly onto?: { readonly branch: string; readonly pulled: number } | undefined;
  /** What would be merged, where it was only looked at, or a person did not want it: then nothing was changed. */
  readonly unmerged?: MergeReview | undefined;
}

/**
 * Brings the vault's branch and its upstream together. Where both sides changed the vault and this is an owner, the two states are merged
 * by what they mean, signed as one that follows both, and pushed. A person is asked while nobody waits for the vault, so where it has
 * changed meanwhile they are asked again.
 * @param root absolute path of the vault's folder
 * @throws VaultError `CONFLICT` (`MergeConflictError` where an owner has to decide, `DivergedError` without an owner's key), `PASSPHRASE_REQUIRED`,
 *   `WRONG_PASSPHRASE`, and as the sync without a merge
 */
export async function sync(context: Context, root: string, request: SyncRequest = {}): Promise<SyncReport> {
  const { onto, side, review: ask, confirm, ...options } = request;
  const answers = new Map<string, Digest>();
  const seen = new Set<string>();
  const confirmed = new Set<string>();
  const isUnconfirmed = (review: MergeReview) =>
    confirm !== undefined && !options.dryRun && review.questions.length === 0 && !confirmed.has(sidesOf(review));
  const isUnseen = (review: MergeReview) => {
    if (isUnconfirmed(review)) return true;
    if (!ask) return false;
    return review.questions.length > 0 ? !seen.has(idOf(review)) : review.isFirst && side === undefined && !seen.has(sidesOf(review));
  };
  let unlocked: Keys | "none" | undefined;
  for (;;) {
    let merged: MergeReport | undefined;
    const report = (made: MergeReport) => (merged = made);
    try {
      const merge = mergingBy({ unlocked, side, answers, isUnseen, dryRun: options.dryRun, report });
      const work = { ...options, merge };
      const result = await (onto === undefined ? syncWith(context, root, work) : syncOnto(context, root, onto, work));
      return { ...result, ...(merged && { merged }) };
    } catch (error) {
      if (error instanceof StillLocked && !unlocked) {
        unlocked = await unlock(context, root, options);
        continue;
      }
      if (!(error instanceof NotMerged)) throw error;
      if (isUnconfirmed(error.review)) {
        await confirm!(error.review);
        confirmed.add(sidesOf(error.review));
        continue;
      }
      const given = options.dryRun ? undefined : await ask?.(error.review);
      if (!given) return unmerged(error.review);
      for (const [id, digest] of given) answers.set(id, digest);
      seen.add(idOf(error.review)).add(sidesOf(error.review));
    }
  }
}

/** Asks for what a merge needs of a person. @throws VaultError `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`, and where nothing can go on record */
async function unlock(context: Context, root: string, { key, dryRun }: SyncOptions): Promise<Keys | "none"> {
  let keys: Keys;
  try {
    keys = await loadVaultKeys(context, root, key);
  } catch (error) {
    if (error instanceof VaultError && (error.code === "NO_KEY" || error.code === "INVALID_KEY")) return "none";
    throw error;
  }
  if (!dryRun) await context.recorder?.unlock?.(context, { root, vault: vaultIdIn(new VaultFolder(root)), keys }, true);
  return keys;
}

/** Joins with the branch, then syncs as usual, where the checked-out branch follows one. */
async function syncOnto(context: Context, root: string, onto: string, options: SyncOptions): Promise<SyncReport> {
  const joined = await joinOnto(context, root, onto, options);
  const branch = { branch: joined.upstream, pulled: joined.pulled };
  if (options.dryRun || !followedBy(context, root)?.upstream) return { ...joined, pulled: 0, onto: branch };
  const result = await syncWith(context, root, options);
  return { ...result, pulledWidening: [...joined.pulledWidening, ...result.pulledWidening], onto: branch };
}

function unmerged(review: MergeReview): SyncReport {
  const { name: upstream } = review.theirs;
  const { sequence } = review.ours;
  return { upstream, pulled: 0, pushed: 0, sequence, pulledWidening: [], pushedWidening: [], unmerged: review };
}

/** A merge by its sides and what is open in it. */
function idOf(review: MergeReview): string {
  return JSON.stringify([sidesOf(review), review.questions.map(({ id }) => id)]);
}

function sidesOf({ ours, theirs }: MergeReview): string {
  return `${ours.digest} ${theirs.digest}`;
}
