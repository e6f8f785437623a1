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
