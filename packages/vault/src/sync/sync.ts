import { withWriteLock } from "../disk/write-lock.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { LOCK_FILE } from "../format/layout.js";
import { isEdited } from "../git/changes.js";
import { isGitError } from "../git/errors.js";
import { changeFolder } from "../git/git-folders.js";
import { countApart } from "../git/refs.js";
import type { KeyChoice } from "../keys/find-key.js";
import { digestOf } from "../lock/digest.js";
import type { CommittedState } from "../trust/newest-trusted-state.js";
import { rememberMade } from "../trust/remember.js";
import { askRemote } from "./ask-remote.js";
import { compareFetched, compareOnto, compareSides, diverged, isDiverged, openClone, openCloneOnto } from "./compare-sides.js";
import { readFetchRecord } from "./fetch-record.js";
import { joinSides } from "./join-sides.js";
import { publish } from "./publish.js";
import type { MendFetched, MergeDiverged, Sides, SyncedClone } from "./synced-clone.js";
import { describeWidening, wideningBetween } from "./widening.js";

/** Which directions a sync takes, and the key that says which owner to trust; both directions unless set. */
export interface SyncOptions {
  readonly key?: KeyChoice | undefined;
  /** Bring what the remote has; `true` unless set. */
  readonly pull?: boolean;
  /** Bring the remote what is here; `true` unless set. */
  readonly push?: boolean;
  /** Makes one state where both sides changed the vault; without it that is a conflict. */
  readonly merge?: MergeDiverged;
  /** Signs what was merged on the remote without agent-vault; without it that is an error. */
  readonly mend?: MendFetched;
  /** Say what would come and go, and move nothing; `merge` is asked as well, and must not join anything then. */
  readonly dryRun?: boolean;
}

/** What a sync brought and sent, in commits, and the state that the vault is in after it. */
export interface SyncResult {
  /** The remote's branch, such as `origin/main`. */
  readonly upstream: string;
  /** Commits that came from the remote, and that went there. */
  readonly pulled: number;
  readonly pushed: number;
  /** The state that lies here now. */
  readonly sequence: number;
  /** What came from the remote and allows more than before, or protects less: each in words. */
  readonly pulledWidening: readonly string[];
  /** The same of what went to the remote. */
  readonly pushedWidening: readonly string[];
}

/** How often a push that others were faster than is tried again. */
const MAX_ATTEMPTS = 20;

/**
 * Brings the vault's branch and its upstream together: what the remote has is verified and taken over, what is here is verified and pushed.
 * The code around it is joined by git, as a merge or a rebase by the person's `pull.rebase`, in objects first: where that conflicts,
 * nothing is touched. Nothing is ever forced, and no commit is dropped.
 * @param root absolute path of the vault's folder
 * @throws VaultError `CONFLICT` ({@link DivergedError} where both sides changed the vault and nothing merges them), `GIT_FAILED` where the remote cannot be
 *   reached or there is none, `REPOSITORY_BUSY`, and as `openVault`
 */
export async function sync(context: Context, root: string, options: SyncOptions = {}): Promise<SyncResult> {
  const mend = (options.pull ?? true) ? options.mend : undefined;
  const clone = { ...(await openClone(context, root, options.key)), mend };
  const { repository, followed } = clone;
  return withWriteLock(context, changeFolder(repository.gitDir), async () => {
    let pulled = 0;
    const pulledWidening: string[] = [];
    for (let attempt = 1; ; attempt++) {
      const sides = await untilNewest(clone, () => compareSides(clone));
      let present = sides.here;
      if (options.dryRun && !isDiverged(sides)) return outlook(clone, sides, options);
      if (options.pull ?? true) {
        present = await takeOver(clone, sides, options.merge);
        // As git pull does: a person who syncs has seen what the remote has.
        if (sides.tip !== undefined) await repository.try(["update-ref", followed.upstream.tracking, sides.tip]);
        pulled += sides.behind;
      }
      const { signed, state } = present;
      if (signed.digest !== sides.here.signed.digest) pulledWidening.push(...wideningBetween(sides.here.state, state));
      const result = { upstream: followed.upstream.name, pulled, pulledWidening, sequence: signed.lock.sequence };
      if (!(options.push ?? true)) return { ...result, pushed: 0, pushedWidening: [] };
      if (!(options.pull ?? true) && isDiverged(sides)) throw await diverged(clone, sides);
      const isNew = sides.there !== undefined && signed.digest !== sides.there.trusted?.digest;
      const pushedWidening = isNew ? wideningBetween(sides.there.state, state) : [];
      if (pushedWidening.length > 0) context.note?.(describeWidening("This push", pushedWidening));
      try {
        return { ...result, pushed: await publish(clone, present, sides.tip), pushedWidening };
      } catch (error) {
        const mayRetry = (options.pull ?? true) && attempt < MAX_ATTEMPTS;
        if (!mayRetry || !(isGitError(error, "nonFastForward") || (await hasMoved(clone, sides.tip, error)))) throw error;
      }
    }
  });
}

/**
 * Takes over what was fetched of the upstream, where the vault here is behind it and the branch merely has to be moved on; otherwise, and
 * where files of the vault were edited, it is only remembered, so that nothing is signed that does not follow it. The remote is not asked.
 * @returns whether the branch was moved
 * @throws VaultError `CONFLICT` where edited files are in the way, `REPOSITORY_BUSY`, and as `verifyState`
 */
export async function takeFetched(context: Context, root: string, key: KeyChoice | undefined): Promise<boolean> {
  const { upstream } = readFetchRecord(root) ?? {};
  if (upstream?.commit === undefined || upstream.lock === undefined) return false;
  const bytes = new VaultFolder(root).read(LOCK_FILE);
  if (bytes && digestOf(bytes) === upstream.lock) return false;
  const clone = await openClone(context, root, key);
  const { repository } = clone;
  return withWriteLock(context, changeFolder(repository.gitDir), async () => {
    const { behind } = await countApart(repository, "HEAD", upstream.commit!);
    if (behind === 0) return false;
    const sides = await compareFetched(clone);
    if (isDiverged(sides)) throw await diverged(clone, sides);
    if (sides.ahead > 0 || (await isEdited(repository, repository.pathOf(root)))) return false;
    await joinSides(clone, sides);
    return true;
  });
}

/**
 * Joins with another branch of the remote than the upstream, such as the one that a pull request goes into; nothing is pushed.
 * @param onto the branch, by its name or its whole ref
 * @throws VaultError as {@link sync}, `INVALID_VALUE` where the remote has no such branch
 */
export async function joinOnto(context: Context, root: string, onto: string, options: SyncOptions): Promise<SyncResult> {
  const clone = { ...(await openCloneOnto(context, root, onto, options.key)), mend: options.mend };
  return withWriteLock(context, changeFolder(clone.repository.gitDir), async () => {
    const sides = await compareOnto(clone);
    if (options.dryRun && !isDiverged(sides)) return outlook(clone, sides, { ...options, push: false });
    const present = await takeOver(clone, sides, options.merge);
    const { signed, state } = present;
    const pulledWidening = signed.digest === sides.here.signed.digest ? [] : wideningBetween(sides.here.state, state);
    const { name: upstream } = clone.followed.upstream;
    return { upstream, pulled: sides.behind, pushed: 0, sequence: signed.lock.sequence, pulledWidening, pushedWidening: [] };
  });
}

/** Takes over what the remote has, and merges the vault where both sides changed it. */
async function takeOver(clone: SyncedClone, sides: Sides, merge: MergeDiverged | undefined): Promise<CommittedState> {
  if (!isDiverged(sides)) {
    const present = await joinSides(clone, sides);
    if (sides.mended !== undefined) rememberMade(clone.trust, present.signed);
    return present;
  }
  if (!merge) throw await diverged(clone, sides);
  const present = await merge(clone, sides, (vault) => joinSides(clone, sides, vault));
  if (sides.mended === undefined) sides.there.trusted.remember();
  return present;
}

/**
 * Verifies what the remote has once more, where this machine knows of a newer state: another process may have pushed and remembered one
 * since the remote was asked.
 */
async function untilNewest(clone: SyncedClone, compare: () => Promise<Sides>): Promise<Sides> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await compare();
    } catch (error) {
      const asked = readFetchRecord(clone.root)?.upstream?.commit;
      if (attempt === MAX_ATTEMPTS || !(await hasMoved(clone, asked, error))) throw error;
    }
  }
}

/** Whether a state that this machine knows to be newer has come to the remote since it was asked. @param tip what the remote said then */
async function hasMoved({ context, root, trust }: SyncedClone, tip: string | undefined, error: unknown): Promise<boolean> {
  if (!(error instanceof VaultError) || (error.code !== "ROLLBACK" && error.code !== "FORKED")) return false;
  await askRemote(context, root, { keys: trust.keys, mustAnswer: true });
  return readFetchRecord(root)?.upstream?.commit !== tip;
}

/** What a sync of two sides would do of which only one changed the vault. */
function outlook({ followed }: SyncedClone, { here, there, ahead, behind }: Sides, { pull = true, push = true }: SyncOptions): SyncResult {
  const theirs = there?.trusted && there.trusted.lineage.lists(here.signed.digest) === true ? there : undefined;
  return {
    upstream: followed.upstream.name,
    pulled: pull ? behind : 0,
    pushed: push ? ahead : 0,
    sequence: ((pull && theirs?.trusted) || here.signed).lock.sequence,
    pulledWidening: pull && theirs ? wideningBetween(here.state, theirs.state) : [],
    pushedWidening:
      push && !theirs && there?.trusted && there.trusted.digest !== here.signed.digest ? wideningBetween(there.state, here.state) : [],
  };
}
