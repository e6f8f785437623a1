import type { Context } from "../context.js";
import type { GitRepository } from "../git/repository.js";
import type { Followed, Upstream } from "../trust/followed.js";
import type { CommittedState } from "../trust/newest-trusted-state.js";
import type { TrustContext } from "../trust/trust-context.js";
import type { FetchedState } from "../trust/verify-fetched.js";

/** A clone whose branch follows a remote's. */
export interface SyncedClone {
  readonly context: Context;
  readonly root: string;
  readonly repository: GitRepository;
  readonly trust: TrustContext;
  readonly followed: Followed & { readonly upstream: Upstream };
}

/** Brings the code and the vault together, once it is known what the vault's folder is to be. @param tree the id of the folder's tree */
export type JoinWith = (vault: { readonly tree: string; readonly message: string }) => Promise<CommittedState>;

/**
 * Makes one state of two that both changed the vault.
 * @param join is called with the state's files, and moves the branch
 * @returns what is checked out then
 * @throws VaultError `CONFLICT` where a person would have to decide
 */
export type MergeDiverged = (clone: SyncedClone, sides: DivergedSides, join: JoinWith) => Promise<CommittedState>;

/** Two sides that both changed the vault. */
export interface DivergedSides extends Sides {
  readonly tip: string;
  readonly there: FetchedState & { readonly trusted: CommittedState["signed"] };
}

/** What is here and what the remote has. */
export interface Sides {
  /** What HEAD was at. */
  readonly here: CommittedState;
  /** The upstream's commit; absent where the remote has no such branch. */
  readonly tip: string | undefined;
  /** The vault there; absent where there is none. */
  readonly there: FetchedState | undefined;
  readonly ahead: number;
  readonly behind: number;
}
