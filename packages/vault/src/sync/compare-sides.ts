import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError, type ErrorCode } from "../errors.js";
import { isGitError } from "../git/errors.js";
import { fetchRefs, ownRef } from "../git/fetch-refs.js";
import { branchName, isFullRef } from "../git/full-ref.js";
import { countApart } from "../git/refs.js";
import { GitRepository } from "../git/repository.js";
import type { KeyChoice } from "../keys/find-key.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { takenBack } from "../trust/errors.js";
import { followedBy, trackingRef } from "../trust/followed.js";
import { readTrustedState, type CommittedState } from "../trust/newest-trusted-state.js";
import type { FetchedPlace } from "../trust/place.js";
import { TrustContext } from "../trust/trust-context.js";
import { verifyByFormerOwner } from "../trust/verify-by-former-owner.js";
import { verifyFetched, type FetchedState } from "../trust/verify-fetched.js";
import { askRemote } from "./ask-remote.js";
import { divergence, DivergedError } from "./divergence.js";
import { placeOf, readFetchRecord } from "./fetch-record.js";
import { pushCommand } from "./push-command.js";
import type { DivergedSides, Sides, SyncedClone } from "./synced-clone.js";

/** What is wrong with a commit that one on top of it can put right. */
const MENDED: ReadonlySet<ErrorCode> = new Set(["TAMPERED", "BAD_SIGNATURE", "UNSIGNED", "LINK_IN_VAULT"]);

/** The clone around a vault, with the branch that the checked-out one follows. @throws VaultError `GIT_FAILED` where it follows none, `REPOSITORY_BUSY` */
export async function openClone(context: Context, root: string, key: KeyChoice | undefined): Promise<SyncedClone> {
  const repository = await GitRepository.find(context, dirname(root));
  repository.requireNoOperation();
  const followed = followedBy(context, root);
  if (!followed?.upstream) throw await noUpstream(context, root);
  const trust = new TrustContext(context, root, findVaultKeys(context, root, key));
  return { context, root, repository, trust, followed: { ...followed, upstream: followed.upstream } };
}

/**
 * As {@link openClone}, with another branch of the remote in the upstream's place.
 * @param onto the branch, by its name or its whole ref
 * @throws VaultError `GIT_FAILED` where there is no remote, `INVALID_VALUE`, `REPOSITORY_BUSY`
 */
export async function openCloneOnto(context: Context, root: string, onto: string, key: KeyChoice | undefined): Promise<SyncedClone> {
  const repository = await GitRepository.find(context, dirname(root));
  repository.requireNoOperation();
  const followed = followedBy(context, root);
  if (!followed) throw await noUpstream(context, root);
  const own = `${followed.name}/`;
  const name = onto.startsWith(own) ? onto.slice(own.length) : onto;
  const ref = name.startsWith("refs/") ? name : `refs/heads/${name}`;
  if (!isFullRef(ref)) throw noSuchBranch(onto, followed.name);
  const upstream = { ref, tracking: trackingRef(followed.name, ref), name: `${followed.name}/${branchName(ref)}` };
  const trust = new TrustContext(context, root, findVaultKeys(context, root, key));
  return { context, root, repository, trust, followed: { ...followed, upstream } };
}

/** Asks the remote, and verifies both sides. @throws VaultError `ROLLBACK`, and as `verifyFetched` */
export async function compareSides(clone: SyncedClone): Promise<Sides> {
  const { context, root, trust } = clone;
  await askRemote(context, root, { keys: trust.keys, mustAnswer: true });
  trust.history.forget();
  return compareFetched(clone);
}

/** Verifies what is here and what was fetched. @throws VaultError as {@link compareSides} */
export async function compareFetched(clone: SyncedClone): Promise<Sides> {
  const { root, repository, trust } = clone;
  const record = readFetchRecord(root);
  const fetched = record?.upstream;
  const here = await readTrustedState(trust, repository, await repository.commitAt("HEAD"));
  const tip = fetched?.commit;
  if (tip === undefined) {
    await refuseDeleted(clone);
    return { here, tip, there: undefined, ahead: 0, behind: 0 };
  }
  return compareWith(clone, here, placeOf(record!, fetched!, here.signed.lock.vault));
}

/** Fetches the branch that the clone is to be joined with, and verifies both sides. @throws VaultError as {@link compareSides}, `INVALID_VALUE` */
export async function compareOnto(clone: SyncedClone): Promise<Sides> {
  const { context, root, repository, trust, followed } = clone;
  const { ref, name } = followed.upstream;
  await askRemote(context, root, { keys: trust.keys, mustAnswer: true });
  const record = readFetchRecord(root);
  const asked = [record?.home, record?.upstream].find((tip) => tip?.ref === ref);
  const commit = asked ? asked.commit : await fetchTip(clone);
  if (commit === undefined) throw noSuchBranch(name, followed.name);
  trust.history.forget();
  const here = await readTrustedState(trust, repository, await repository.commitAt("HEAD"));
  const isHome = record?.home?.ref === ref;
  const path = repository.pathOf(root);
  return compareWith(clone, here, { kind: "fetched", remote: followed.remote, ref, isHome, commit, path, vaultId: here.signed.lock.vault });
}

/** Fetches a branch besides those that every fetch asks for. @returns its commit; `undefined` where the remote has none */
async function fetchTip({ repository, followed }: SyncedClone): Promise<string | undefined> {
  const { ref } = followed.upstream;
  const own = ownRef(followed.remote, ref);
  try {
    await fetchRefs(repository, followed.name, [{ from: ref, to: own }]);
  } catch (error) {
    if (isGitError(error, "noSuchRef")) return undefined;
    throw error;
  }
  return repository.commitAt(own);
}

/** @param mended the commit on top of what was fetched in which the vault is signed */
async function compareWith(clone: SyncedClone, here: CommittedState, place: FetchedPlace, mended?: string): Promise<Sides> {
  const { repository, trust, mend } = clone;
  const { commit: tip } = place;
  const apart = await countApart(repository, here.commit, mended ?? tip);
  let there: FetchedState | undefined;
  try {
    there = await verifyFetched(trust, repository, { ...place, commit: mended ?? tip });
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    const isHalfMade = mended === undefined && MENDED.has(error.code);
    // Nothing of it is taken over where all of it lies behind what is here, which may be what mends it.
    if (!isHalfMade || apart.behind > 0) {
      const byFormerOwner =
        error.code === "UNTRUSTED_SIGNER" ? verifyByFormerOwner(trust, repository, tip, here.signed.lineage) : undefined;
      const made = isHalfMade ? await mend?.(clone, tip) : undefined;
      if (made !== undefined) return compareWith(clone, here, place, made);
      if (!byFormerOwner) throw error;
      there = byFormerOwner;
    }
  }
  const sides = { here, tip, mended, there, ...apart };
  if (isDiverged(sides)) return sides;
  requireNotTakenBack(sides);
  // What is not on the remote yet is not remembered as seen there.
  if (mended === undefined) there?.trusted?.remember();
  return sides;
}

function noSuchBranch(branch: string, remote: string): VaultError {
  return new VaultError("INVALID_VALUE", `The remote ${remote} has no branch ${branch}.`, {
    remedy: `Name a branch of ${remote}, such as main: agent-vault sync --onto main. git ls-remote ${remote} lists them all.`,
  });
}

/** Whether neither state has the other behind it. */
export function isDiverged(sides: Sides): sides is DivergedSides {
  const [ours, theirs] = [sides.here.signed, sides.there?.trusted];
  return theirs !== undefined && ours.digest !== theirs.digest && !ours.lineage.lists(theirs.digest) && !theirs.lineage.lists(ours.digest);
}

/** The error for two states that nothing merges. */
export async function diverged(clone: SyncedClone, { tip }: DivergedSides): Promise<DivergedError> {
  return new DivergedError(clone.followed.upstream.name, await divergence(clone.repository, clone.root, tip));
}

/**
 * What a later commit took back is not older than what is there: it was issued again, or it is no state of its own.
 * @throws VaultError `ROLLBACK` where commits here took the vault's newest state back
 */
function requireNotTakenBack({ here, there, behind }: Sides): void {
  const [ours, theirs] = [here.signed, there?.trusted];
  if (!theirs || ours.digest === theirs.digest || ours.lineage.lists(theirs.digest)) return;
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
