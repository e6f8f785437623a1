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
  /** Signs what was merged in a commit of the remote and nobody has signed; absent where nobody can. */
  readonly mend?: MendFetched | undefined;
}

/**
 * Signs what a host or a colleague has merged, in git's objects.
 * @param tip the remote's commit, whose vault is no signed state
 * @returns a commit on top of it, or `undefined` where it is not that what is wrong with it
 * @throws VaultError `CONFLICT` where a person would have to decide
 */
export type MendFetched = (clone: SyncedClone, tip: string) => Promise<string | undefined>;

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
  /** The commit on top of it in which what was merged there is signed; absent where all of it was. */
  readonly mended?: string | undefined;
  /** The vault there; absent where there is none. */
  readonly there: FetchedState | undefined;
  readonly ahead: number;
  readonly behind: number;
}
