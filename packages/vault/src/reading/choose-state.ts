import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { isVerificationError, VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import type { VaultFiles } from "../files/vault-files.js";
import type { FileSource } from "../format/file-source.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { branchName } from "../git/full-ref.js";
import { GitRepository } from "../git/repository.js";
import { tryOpenLock } from "../lock/open-lock.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { placeOf, readFetchRecord, type FetchedTip, type FetchRecord } from "../sync/fetch-record.js";
import { olderThanRemembered, otherVaultAfterMove, vaultGone, vaultMoved } from "../trust/errors.js";
import { statesOnHome, type SeenState } from "../trust/memory.js";
import { findMovedVault } from "../trust/moved-vault.js";
import { readMemory } from "../trust/memory-store.js";
import { workTreePlace, type Place } from "../trust/place.js";
import type { TrustContext } from "../trust/trust-context.js";
import { verifyState, type TrustedState } from "../trust/verify.js";

/** A verified state and its files. */
export interface ChosenState<Files extends VaultFiles> {
  readonly files: Files;
  readonly trusted: TrustedState | undefined;
  /** The files of the vault's main branch, where their state is not the one that is used nor behind it: their rules judge as well. */
  readonly home?: Files | undefined;
  /** A state of the main branch that is not behind the one that is used, and whose files are not here. */
  readonly missing?: SeenState | undefined;
}

/** Makes the files of a folder or a commit. */
export type OpenFiles<Files extends VaultFiles> = (source: string | FileSource) => Files;

/**
 * Chooses the one state that is read: of the work tree's and the fetched one that which lists the other, and the work tree's where neither
 * does. What was fetched is read out of git's objects. Never a mixture: all files come from one of the two.
 *
 * Rules are never older than what is known of the vault's main branch, or anyone who can push a branch at an old commit would choose the policy.
 * @param localOnly leaves out what was fetched, but for the rules of the main branch
 * @param isSecondLook whether nobody is half-way through a change: then what lies here and is not right is passed over for what was fetched
 * @throws VaultError as `verifyState`
 */
export function chooseState<Files extends VaultFiles>(
  trust: TrustContext,
  open: OpenFiles<Files>,
  localOnly = false,
  isSecondLook = false,
): ChosenState<Files> {
  const record = readFetchRecord(trust.root);
  const used = record && !localOnly ? chooseFetched(trust, record, open, isSecondLook) : verified(trust, open(trust.root));
  return record ? withHomeRules(trust, record, used, open, localOnly) : withAcceptedPolicy(trust, used);
}

/** Without a remote, the policy of the newest state that was accepted counts on every branch. */
function withAcceptedPolicy<Files extends VaultFiles>(trust: TrustContext, used: ChosenState<Files>): ChosenState<Files> {
  const { trusted } = used;
  const accepted = (trusted && readMemory(trust.context, trusted.lock.vault)?.accepted) ?? [];
  const missing = accepted.find(({ lock, policy }) => policy && !covers(trusted, lock));
  return missing ? { ...used, missing } : used;
}

function covers(state: TrustedState | undefined, lock: Digest): boolean {
  return state?.digest === lock || state?.lineage.lists(lock) === true;
}

function chooseFetched<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  open: OpenFiles<Files>,
  isSecondLook: boolean,
): ChosenState<Files> {
  const { upstream, home } = record;
  // A clone of a URL has no work tree.
  const only = existsSync(trust.root) ? undefined : openFetched(trust, record, upstream ?? home, open);
  if (only) return only;
  const here = open(trust.root);
  const lock = here.read(LOCK_FILE);
  const same = [upstream, home].find((tip) => tip?.lock !== undefined && lock && tip.lock === digestOf(lock));
  let local: ChosenState<Files>;
  try {
    local = verified(trust, here, same && placeOf(record, same));
  } catch (error) {
    if (!isVerificationError(error) || same || !isSecondLook) throw error;
    const state = tryOpenLock(lock, open(trust.root).read(LOCK_SIGNATURE_FILE));
    return newerThan(state?.digest, openFetched(trust, record, upstream, open)) ?? fail(error);
  }
  const fetched = same && same === upstream ? undefined : openFetched(trust, record, upstream, open, local.trusted?.lock.vault);
  if (!fetched) return local;
  if (!local.trusted || !fetched.trusted) return local.trusted ? local : fetched;
  if (fetched.trusted.lineage.lists(local.trusted.digest)) return fetched;
  if (fetched.trusted.digest !== local.trusted.digest && !local.trusted.lineage.lists(fetched.trusted.digest))
    warnOfDivergence(trust, upstream!);
  return local;
}

/**
 * What was fetched, where it lists the state that lies here and is not right, such as one that an owner signed whose key was replaced since;
 * and where what lies here is no state at all.
 */
function newerThan<Files extends VaultFiles>(
  lock: Digest | undefined,
  fetched: ChosenState<Files> | undefined,
): ChosenState<Files> | undefined {
  const { trusted } = fetched ?? {};
  return trusted && (lock === undefined || trusted.lineage.lists(lock) === true) ? fetched : undefined;
}

function fail(error: unknown): never {
  throw error;
}

/** Finds what judges beside the state that is used. @throws VaultError `ROLLBACK` where the vault is gone from its main branch */
function withHomeRules<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  used: ChosenState<Files>,
  open: OpenFiles<Files>,
  localOnly: boolean,
): ChosenState<Files> {
  const { trusted } = used;
  const { home, remote } = record;
  if (!trusted || !home) return used;
  const isHome = home.lock === trusted.digest;
  const main = isHome ? undefined : openHome();
  const memory = readMemory(trust.context, trusted.lock.vault);
  const seen = memory ? statesOnHome(memory, remote, home.ref) : [];
  if (!isHome && !main && seen[0] && !localOnly) throw goneFrom(trust, record, home, trusted.lock.vault, seen[0]);
  const judging = main?.trusted && !trusted.lineage.lists(main.trusted.digest) ? main : undefined;
  const missing = seen.find(({ lock }) => !covers(trusted, lock) && !covers(judging?.trusted, lock));
  return { ...used, home: judging?.files, missing };

  function openHome(): ChosenState<Files> | undefined {
    try {
      return openFetched(trust, record, home, open, trusted!.lock.vault);
    } catch (error) {
      if (localOnly && isVerificationError(error)) return undefined;
      throw error;
    }
  }
}

/** Requires that the rules of the main branch are here, where rules judge. @throws VaultError `ROLLBACK` */
export function requireHomeRules({ trusted, missing }: ChosenState<VaultFiles>): void {
  trusted?.requireNotOlderThanRemembered();
  if (trusted && missing) throw olderThanRemembered(trusted, missing);
}

function verified<Files extends VaultFiles>(trust: TrustContext, files: Files, place?: Place): ChosenState<Files> {
  return { files, trusted: verifyState(trust, files, place ?? workTreePlace(trust.context, trust.root)) };
}

/** The state of a ref as it was fetched, out of git's objects; `undefined` where it holds no vault. @throws VaultError as `verifyState` */
function openFetched<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  tip: FetchedTip | undefined,
  open: OpenFiles<Files>,
  vaultId?: string,
): ChosenState<Files> | undefined {
  if (tip?.commit === undefined) return undefined;
  const repository = GitRepository.locate(trust.context, dirname(trust.root));
  try {
    const files = open(CommitFiles.open(repository, tip.commit, trust.root));
    return verified(trust, files, placeOf(record, tip, vaultId));
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    if (error.code === "VAULT_NOT_FOUND") return undefined;
    const moved = error.code === "WRONG_VAULT" && vaultId !== undefined ? findMovedVault(repository, tip.commit, vaultId) : undefined;
    throw moved === undefined ? error : otherVaultAfterMove(error, tip.ref, moved);
  }
}

/** The error for a vault that is not on its main branch any more, where it was. */
function goneFrom(trust: TrustContext, { remote, path }: FetchRecord, home: FetchedTip, vaultId: string, seen: SeenState): VaultError {
  const repository = GitRepository.locate(trust.context, dirname(trust.root));
  const moved = home.commit === undefined ? undefined : findMovedVault(repository, home.commit, vaultId);
  return moved === undefined ? vaultGone(remote, home.ref, seen) : vaultMoved(home.ref, path, moved);
}

function warnOfDivergence(trust: TrustContext, { ref }: FetchedTip): void {
  const branch = branchName(ref);
  trust.warn(
    "diverged",
    `The vault was changed here and on the remote's ${branch}, so what is here is read.`,
    "Bring the two together: agent-vault sync.",
  );
}
