import { isVerificationError, VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultFiles } from "../files/vault-files.js";
import { VaultState } from "../files/vault-state.js";
import type { GitRepository } from "../git/repository.js";
import type { FetchedPlace } from "./place.js";
import { TrustContext } from "./trust-context.js";
import { verifyState, type TrustedState } from "./verify.js";

/** A state that was fetched and verified. */
export interface FetchedState {
  readonly state: VaultState;
  /** `undefined` for a vault that was never signed. */
  readonly trusted: TrustedState | undefined;
}

/**
 * The state of a ref as it was fetched, out of git's objects, every file of it verified: as must be before it is taken over.
 * @returns `undefined` where the commit holds no vault
 * @throws VaultError as `verifyState`, `TAMPERED`
 */
export async function verifyFetched(
  trust: TrustContext,
  repository: GitRepository,
  place: FetchedPlace,
): Promise<FetchedState | undefined> {
  try {
    const state = new VaultState(CommitFiles.open(repository, place.commit, trust.root));
    const trusted = verifyState(trust, state, place);
    state.signed?.requireAll();
    return { state, trusted };
  } catch (error) {
    if (error instanceof VaultError && error.code === "VAULT_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * A file of the state of a ref, where that may be read and the file is what was signed. No state is verified for a file that does not fit.
 * @param isWanted looks at its bytes before anything is known of them
 */
export function readTrustedFile(
  { context, root, keys }: TrustContext,
  repository: GitRepository,
  place: FetchedPlace,
  file: string,
  isWanted: (bytes: Uint8Array) => boolean,
): Uint8Array | undefined {
  try {
    const files = new VaultFiles(CommitFiles.open(repository, place.commit, root));
    const bytes = files.read(file);
    if (!bytes || !isWanted(bytes)) return undefined;
    verifyState(new TrustContext({ ...context, warn: () => {} }, root, keys), files, place);
    return files.read(file);
  } catch (error) {
    if (isVerificationError(error) || (error instanceof VaultError && error.code === "VAULT_NOT_FOUND")) return undefined;
    throw error;
  }
}

/**
 * Whether the state of a ref may be read, by those of its files that say who signed it: its other files need not be here. A vault that was
 * never signed is one, where nothing says that it should be. What is wrong with another one, its reader says.
 * @throws VaultError `VAULT_NOT_FOUND` where the commit holds no vault, and what is no failed verification, such as `GIT_FAILED`
 */
export function isTrustedState({ context, root, keys }: TrustContext, repository: GitRepository, place: FetchedPlace): boolean {
  const trust = new TrustContext({ ...context, warn: () => {} }, root, keys);
  try {
    verifyState(trust, new VaultFiles(CommitFiles.open(repository, place.commit, root)), place);
    return true;
  } catch (error) {
    if (isVerificationError(error)) return false;
    throw error;
  }
}
