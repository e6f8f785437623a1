import { VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultState } from "../files/vault-state.js";
import type { GitRepository } from "../git/repository.js";
import type { FetchedPlace } from "./place.js";
import type { TrustContext } from "./trust-context.js";
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
