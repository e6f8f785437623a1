import { askingAboutMerges, type MergeDeciders } from "../../change/ask-merge.js";
import { concludeOperation } from "../../change/conclude-operation.js";
import { forgetMerge, isJoined, isSignOfMerge } from "../../change/finish-before-change.js";
import { finishFetched, finishMerge } from "../../change/finish-merge.js";
import type { MergeChoice } from "../../change/merge-pair.js";
import type { MergeReport, MergeReview } from "../../change/merge-review.js";
import type { Context } from "../../context.js";
import { VaultFolder } from "../../files/vault-folder.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../../format/layout.js";
import { openLock } from "../../lock/open-lock.js";
import { followedBy } from "../../trust/followed.js";
import { joinOnto, sync as syncWith, type SyncOptions, type SyncResult } from "../../sync/sync.js";
import { mergingBy } from "./merge-diverged.js";

/** How a sync is made, and how conflicts are decided. */
export interface SyncRequest extends Omit<SyncOptions, "merge" | "mend" | "key">, MergeDeciders {
  /** Join with this branch of the remote first, by its name or its whole ref, as where a pull request's base has moved. */
  readonly onto?: string | undefined;
}

/** What a sync brought and sent. */
export interface SyncReport extends SyncResult {
  /** What was merged; absent where only one side had changed the vault. */
  readonly merged?: MergeReport | undefined;
  /** What git had merged here before, and was signed now; absent where nothing was unfinished, or where one side had all of it. */
  readonly finished?: MergeReport | undefined;
  /** Whether there was such a merge. */
  readonly isFinished?: boolean;
  /** What came from the branch that was joined first, in commits; absent where none was asked for. */
  readonly onto?: { readonly branch: string; readonly pulled: number } | undefined;
  /** What would be merged, where it was only looked at, or a person did not want it: then nothing was changed. */
  readonly unmerged?: MergeReview | undefined;
}

/**
 * Brings the vault's branch and its upstream together. What git has merged here or on the remote, and nobody has signed, is signed first.
 * Where both sides changed the vault and this is an owner, the two states are merged by what they mean, signed as one that follows both,
 * and pushed. A person is asked while nobody waits for the vault, so where it has changed meanwhile they are asked again.
 * @param root absolute path of the vault's folder
 * @throws VaultError `CONFLICT` (`MergeConflictError` where an owner has to decide, `DivergedError` without an owner's key), `PASSPHRASE_REQUIRED`,
 *   `WRONG_PASSPHRASE`, and as the sync without a merge
 */
export async function sync(context: Context, root: string, request: SyncRequest = {}): Promise<SyncReport> {
  if (!request.dryRun) await concludeOperation(context, root);
  if (isJoined(root)) return finishAndSync(context, root, request);
  if (!request.dryRun) forgetMerge(context, root);
  try {
    return await syncSigned(context, root, request);
  } catch (error) {
    if (!isSignOfMerge(error)) throw error;
    return finishAndSync(context, root, request, error);
  }
}

/** @param error what is to be thrown where nothing was to be finished */
async function finishAndSync(context: Context, root: string, request: SyncRequest, error?: unknown): Promise<SyncReport> {
  const asked = await askingAboutMerges(context, root, request, (choice) => finishMerge(context, root, choice, request.key));
  if ("unmerged" in asked) return notMerged(asked.unmerged);
  if (!asked.result && error !== undefined) throw error;
  const isLocal = asked.result && request.onto === undefined && !followedBy(context, root)?.upstream;
  const report = isLocal ? notSynced(root) : await syncSigned(context, root, request);
  return { ...report, ...(asked.result && { finished: asked.merged, isFinished: true }) };
}

/** Of a branch that follows none of a remote's. */
function notSynced(root: string): SyncReport {
  const files = new VaultFolder(root);
  const { lock } = openLock(files.read(LOCK_FILE)!, files.read(LOCK_SIGNATURE_FILE)!);
  return { upstream: "", pulled: 0, pushed: 0, sequence: lock.sequence, pulledWidening: [], pushedWidening: [] };
}

/** As {@link sync}, where a signed state is checked out. */
async function syncSigned(context: Context, root: string, request: SyncRequest): Promise<SyncReport> {
  const { onto, side: _side, review: _review, confirm: _confirm, ...options } = request;
  const asked = await askingAboutMerges(context, root, request, (choice) => {
    const work: SyncOptions = { ...options, merge: mergingBy(choice), mend: mendingBy(choice) };
    return onto === undefined ? syncWith(context, root, work) : syncOnto(context, root, onto, work);
  });
  if ("unmerged" in asked) return notMerged(asked.unmerged);
  return { ...asked.result, ...(asked.merged && { merged: asked.merged }) };
}

/** Signs what was merged on the remote, as the owner decides. */
function mendingBy(choice: MergeChoice): NonNullable<SyncOptions["mend"]> {
  return ({ trust, repository }, tip) => finishFetched(trust, repository, tip, choice);
}

/** Joins with the branch, then syncs as usual, where the checked-out branch follows one. */
async function syncOnto(context: Context, root: string, onto: string, options: SyncOptions): Promise<SyncReport> {
  const joined = await joinOnto(context, root, onto, options);
  const branch = { branch: joined.upstream, pulled: joined.pulled };
  if (options.dryRun || !followedBy(context, root)?.upstream) return { ...joined, pulled: 0, onto: branch };
  const result = await syncWith(context, root, options);
  return { ...result, pulledWidening: [...joined.pulledWidening, ...result.pulledWidening], onto: branch };
}

function notMerged(review: MergeReview): SyncReport {
  const { name: upstream } = review.theirs;
  const { sequence } = review.ours;
  return { upstream, pulled: 0, pushed: 0, sequence, pulledWidening: [], pushedWidening: [], unmerged: review };
}
