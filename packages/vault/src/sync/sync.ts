import { dirname } from "node:path";
import { withWriteLock } from "../disk/write-lock.js";
import type { Context } from "../context.js";
import { VaultError, type ErrorCode } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { LOCK_FILE } from "../format/layout.js";
import { isEdited } from "../git/changes.js";
import { isGitError } from "../git/errors.js";
import { changeFolder } from "../git/git-folders.js";
import { countApart } from "../git/refs.js";
import { GitRepository } from "../git/repository.js";
import type { KeyChoice } from "../keys/find-key.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { digestOf } from "../lock/digest.js";
import { takenBack } from "../trust/errors.js";
import { followedBy } from "../trust/followed.js";
import { readTrustedState } from "../trust/newest-trusted-state.js";
import { TrustContext } from "../trust/trust-context.js";
import { verifyFetched } from "../trust/verify-fetched.js";
import { askRemote } from "./ask-remote.js";
import { divergence, DivergedError } from "./divergence.js";
import { placeOf, readFetchRecord } from "./fetch-record.js";
import { joinSides } from "./join-sides.js";
import { publish } from "./publish.js";
import { pushCommand } from "./push-command.js";
import type { Sides, SyncedClone } from "./synced-clone.js";
import { describeWidening, wideningBetween } from "./widening.js";

/** Which directions a sync takes, and the key that says which owner to trust; both directions unless set. */
export interface SyncOptions {
  readonly key?: KeyChoice;
  /** Bring what the remote has; `true` unless set. */
  readonly pull?: boolean;
  /** Bring the remote what is here; `true` unless set. */
  readonly push?: boolean;
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

/** What is wrong with a commit that one on top of it can put right. */
const MENDED: ReadonlySet<ErrorCode> = new Set(["TAMPERED", "BAD_SIGNATURE", "UNSIGNED", "LINK_IN_VAULT"]);

/** How often a push that others were faster than is tried again. */
const MAX_ATTEMPTS = 5;

/**
 * Brings the vault's branch and its upstream together: what the remote has is verified and taken over, what is here is verified and pushed.
 * Where only one side changed the vault, the code around it is joined by git, as a merge or a rebase by the person's `pull.rebase`, in
 * objects first: where that conflicts, nothing is touched. Nothing is ever forced, and no commit is dropped.
 * @param root absolute path of the vault's folder
 * @throws VaultError `CONFLICT` ({@link DivergedError} where both sides changed the vault), `GIT_FAILED` where the remote cannot be
 *   reached or there is none, `REPOSITORY_BUSY`, and as `openVault`
 */
export async function sync(context: Context, root: string, options: SyncOptions = {}): Promise<SyncResult> {
  const clone = await openClone(context, root, options.key);
  const { repository, followed } = clone;
  return withWriteLock(context, changeFolder(repository.gitDir), async () => {
    let pulled = 0;
    const pulledWidening: string[] = [];
    for (let attempt = 1; ; attempt++) {
      const sides = await compareSides(clone);
      let present = sides.here;
      if (options.pull ?? true) {
        present = await joinSides(clone, sides);
        // As git pull does: a person who syncs has seen what the remote has.
        if (sides.tip !== undefined) await repository.try(["update-ref", followed.upstream.tracking, sides.tip]);
        pulled += sides.behind;
      }
      const { signed, state } = present;
      if (signed.digest !== sides.here.signed.digest) pulledWidening.push(...wideningBetween(sides.here.state, state));
      const result = { upstream: followed.upstream.name, pulled, pulledWidening, sequence: signed.lock.sequence };
      if (!(options.push ?? true)) return { ...result, pushed: 0, pushedWidening: [] };
      const isNew = sides.there !== undefined && signed.digest !== sides.there.trusted?.digest;
      const pushedWidening = isNew ? wideningBetween(sides.there.state, state) : [];
      if (pushedWidening.length > 0) context.note?.(describeWidening("This push", pushedWidening));
      try {
        return { ...result, pushed: await publish(clone, present, sides.tip), pushedWidening };
      } catch (error) {
        // Somebody else has pushed in between.
        if (!isGitError(error, "nonFastForward") || !(options.pull ?? true) || attempt === MAX_ATTEMPTS) throw error;
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
    if (sides.ahead > 0 || (await isEdited(repository, repository.pathOf(root)))) return false;
    await joinSides(clone, sides);
    return true;
  });
}

async function openClone(context: Context, root: string, key: KeyChoice | undefined): Promise<SyncedClone> {
  const repository = await GitRepository.find(context, dirname(root));
  repository.requireNoOperation();
  const followed = followedBy(context, root);
  if (!followed?.upstream) throw await noUpstream(context, root);
  const trust = new TrustContext(context, root, findVaultKeys(context, root, key));
  return { context, root, repository, trust, followed: { ...followed, upstream: followed.upstream } };
}

/** Asks the remote, and verifies both sides. */
async function compareSides(clone: SyncedClone): Promise<Sides> {
  const { context, root, trust } = clone;
  await askRemote(context, root, { keys: trust.keys, mustAnswer: true });
  return compareFetched(clone);
}

/** Verifies what is here and what was fetched. */
async function compareFetched(clone: SyncedClone): Promise<Sides> {
  const { root, repository, trust } = clone;
  const record = readFetchRecord(root);
  const fetched = record?.upstream;
  const here = await readTrustedState(trust, repository, await repository.commitAt("HEAD"));
  const tip = fetched?.commit;
  if (tip === undefined) {
    await refuseDeleted(clone);
    return { here, tip, there: undefined, ahead: 0, behind: 0 };
  }
  const place = placeOf(record!, fetched!, here.signed.lock.vault);
  const apart = await countApart(repository, here.commit, tip);
  const there = await verifyFetched(trust, repository, place).catch((error: unknown) => {
    // Nothing of it is taken over where all of it lies behind what is here, which may be what mends it.
    if (apart.behind === 0 && error instanceof VaultError && MENDED.has(error.code)) return undefined;
    throw error;
  });
  const sides = { here, tip, there, ...apart };
  if (there?.trusted) await requireOneSided(clone, sides);
  there?.trusted?.remember();
  return sides;
}

/**
 * Only what both sides changed can conflict. What a later commit took back is not older than what is there: it was issued again, or it is
 * no state of its own.
 * @throws DivergedError; VaultError `ROLLBACK` where commits here took the vault's newest state back
 */
async function requireOneSided(clone: SyncedClone, { here, there, tip, behind }: Sides): Promise<void> {
  const [ours, theirs] = [here.signed, there!.trusted!];
  if (ours.digest === theirs.digest || ours.lineage.lists(theirs.digest)) return;
  if (!theirs.lineage.lists(ours.digest)) {
    throw new DivergedError(clone.followed.upstream.name, await divergence(clone.repository, clone.root, tip!));
  }
  if (behind === 0) throw takenBack(ours, theirs);
}

/** A branch that was there and is gone was merged, or renamed: to push it again would bring it back. @throws VaultError `CONFLICT` */
async function refuseDeleted({ repository, followed }: SyncedClone): Promise<void> {
  const { tracking, name } = followed.upstream;
  if ((await repository.try(["rev-parse", "--verify", "--quiet", tracking])) === undefined) return;
  throw new VaultError("CONFLICT", `The branch ${name} was deleted on the remote, so nothing was pushed.`, {
    remedy: `If it was merged, go on from the branch that took it: git switch main, then agent-vault sync. To bring it back: git push ${followed.name} HEAD.`,
  });
}

async function noUpstream(context: Context, root: string): Promise<VaultError> {
  const command = await pushCommand(context, root);
  return new VaultError("GIT_FAILED", "The branch that is checked out follows no remote branch.", {
    remedy: command
      ? `Push it once: ${command}`
      : "Add a remote first: git remote add origin URL, then git push --set-upstream origin HEAD.",
  });
}
