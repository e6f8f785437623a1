import { dirname } from "node:path";
import { VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import type { VaultFiles } from "../files/vault-files.js";
import type { FileSource } from "../format/file-source.js";
import { GitRepository } from "../git/repository.js";
import { placeOf, type FetchedTip, type FetchRecord } from "../sync/fetch-record.js";
import { otherVaultAfterMove } from "../trust/errors.js";
import type { SeenState } from "../trust/memory.js";
import { findMovedVault } from "../trust/moved-vault.js";
import { workTreePlace, type Place } from "../trust/place.js";
import type { TrustContext } from "../trust/trust-context.js";
import { verifyState, type TrustedState } from "../trust/verify.js";

/** A verified state and its files. */
export interface ChosenState<Files extends VaultFiles> {
  readonly files: Files;
  readonly trusted: TrustedState | undefined;
  /** The remote's ref that it was read from; absent for the work tree's. */
  readonly tip?: FetchedTip | undefined;
  /**
   * The files of the vault's main branch, where their state is not the one that is used nor behind it: their rules judge as well. Where the
   * repository does not hold that state, what the memory has kept of it.
   */
  readonly homes?: readonly Files[] | undefined;
  /** A state of the main branch that is not behind the one that is used, and whose files are not here. */
  readonly missing?: SeenState | undefined;
}

/** Makes the files of a folder or a commit. */
export type OpenFiles<Files extends VaultFiles> = (source: string | FileSource) => Files;

/** Verifies the state of some files. @param place where they come from; the work tree unless set @throws VaultError as `verifyState` */
export function verified<Files extends VaultFiles>(trust: TrustContext, files: Files, place?: Place): ChosenState<Files> {
  return { files, trusted: verifyState(trust, files, place ?? workTreePlace(trust.context, trust.root)) };
}

/** The state in the commit that a ref was fetched at, out of git's objects; `undefined` where it holds no vault. @throws VaultError as `verifyState` */
export function openTip<Files extends VaultFiles>(
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
    return { ...verified(trust, files, placeOf(record, tip, vaultId)), tip };
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    if (error.code === "VAULT_NOT_FOUND") return undefined;
    const moved = error.code === "WRONG_VAULT" && vaultId !== undefined ? findMovedVault(repository, tip.commit, vaultId) : undefined;
    throw moved === undefined ? error : otherVaultAfterMove(error, tip.ref, moved);
  }
}
