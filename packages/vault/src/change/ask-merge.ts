import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import type { KeyChoice } from "../keys/find-key.js";
import type { Keys } from "../keys/keys.js";
import { loadVaultKeys } from "../keys/vault-keys.js";
import type { Digest } from "../lock/digest.js";
import { vaultIdIn } from "../lock/open-lock.js";
import { StillLocked } from "./merge-owner.js";
import { NotMerged, type MergeChoice } from "./merge-pair.js";
import type { MergeAnswers, MergeReport, MergeReview } from "./merge-review.js";

/** Who decides where two states of the vault are merged. */
export interface MergeDeciders {
  readonly key?: KeyChoice | undefined;
  /** The side whose answer counts in every conflict; where the state that both sides go back to is missing, a person is asked all the same. */
  readonly side?: "ours" | "theirs" | undefined;
  /** Shows a person a merge that has conflicts or is the vault's first, and asks; absent where there is nobody to ask. */
  readonly review?: ((review: MergeReview) => Promise<MergeAnswers>) | undefined;
  /** Has a person confirm each merge that nothing is left to decide in, before it is signed; absent where nobody need. @throws VaultError */
  readonly confirm?: ((review: MergeReview) => Promise<void>) | undefined;
  /** Works everything out and changes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** What came of the work, or the merge that was only looked at, or that a person did not want. */
export type AskedMerge<T> = { readonly result: T; readonly merged: MergeReport | undefined } | { readonly unmerged: MergeReview };

/**
 * Does work in which states may have to be merged. A person is asked while nobody waits for the vault, and the work is begun again then;
 * where the vault has changed meanwhile they are asked again.
 * @param root absolute path of the vault's folder
 * @param work may be done several times, and must have changed nothing where it ends with `NotMerged` or `StillLocked`
 * @throws VaultError `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`, and what `work` throws
 */
export async function askingAboutMerges<T>(
  context: Context,
  root: string,
  deciders: MergeDeciders,
  work: (choice: MergeChoice) => Promise<T>,
): Promise<AskedMerge<T>> {
  const { side, review: ask, confirm, dryRun } = deciders;
  const answers = new Map<string, Digest>();
  const seen = new Set<string>();
  const confirmed = new Set<string>();
  const isUnconfirmed = (review: MergeReview) =>
    confirm !== undefined && !dryRun && review.questions.length === 0 && !confirmed.has(sidesOf(review));
  const isUnseen = (review: MergeReview) => {
    if (isUnconfirmed(review)) return true;
    if (!ask) return false;
    if (review.questions.length > 0) return !seen.has(idOf(review));
    return (review.mustBeSeen || (review.isFirst && side === undefined)) && !seen.has(sidesOf(review));
  };
  const hasPerson = ask !== undefined || confirm !== undefined;
  let unlocked: Keys | "none" | undefined;
  for (;;) {
    let merged: MergeReport | undefined;
    const report = (made: MergeReport) => (merged = made);
    try {
      const result = await work({ unlocked, side, answers, dryRun, report, ...(hasPerson && { isUnseen }) });
      return { result, merged };
    } catch (error) {
      if (error instanceof StillLocked && !unlocked) {
        unlocked = await unlock(context, root, deciders);
        continue;
      }
      if (!(error instanceof NotMerged)) throw error;
      if (isUnconfirmed(error.review)) {
        await confirm!(error.review);
        confirmed.add(sidesOf(error.review));
        continue;
      }
      const given = dryRun ? undefined : await ask?.(error.review);
      if (!given) return { unmerged: error.review };
      for (const [id, digest] of given) answers.set(id, digest);
      seen.add(idOf(error.review)).add(sidesOf(error.review));
    }
  }
}

/** Asks for what a merge needs of a person. @throws VaultError `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`, and where nothing can go on record */
async function unlock(context: Context, root: string, { key, dryRun }: MergeDeciders): Promise<Keys | "none"> {
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

/** A merge by its sides and what is open in it. */
function idOf(review: MergeReview): string {
  return JSON.stringify([sidesOf(review), review.questions.map(({ id }) => id)]);
}

function sidesOf({ ours, theirs }: MergeReview): string {
  return `${ours.digest} ${theirs.digest}`;
}
