import { isSystemError, VaultError } from "../errors.js";

/**
 * What a pull came to. All but `pulled` leave the work tree as it was.
 *
 * - `pulled`: the remote's commits are in the work tree
 * - `current`: fetched, and nothing was new
 * - `recent`: not fetched, as git did within the vault's `pull_interval`, and nothing was new
 * - `no-remote`: the branch follows none
 * - `offline`: the remote could not be reached, or refused
 * - `dirty`: the vault has uncommitted changes
 * - `diverged`: the branch and its upstream both have commits that the other lacks
 * - `unfinished`: the repository is in the middle of a merge or the like
 * - `refused`: git would not take the commits over
 * - `failed`: anything else went wrong
 */
export type PullOutcome =
  | "pulled"
  | "current"
  | "recent"
  | "no-remote"
  | "offline"
  | "dirty"
  | "diverged"
  | "unfinished"
  | "refused"
  | "failed";

/** How each warning begins that leaves the local state to be read. */
export const NOT_PULLED = "The vault could not be pulled, so this is the local state";

/** Why a pull failed, for a warning. @throws what was thrown where that was no failure of the vault's or the system's */
export function formatReason(error: unknown): string {
  if (error instanceof VaultError) return error.message;
  if (isSystemError(error)) return `${error.path ?? "a file"} could not be used (${error.code}).`;
  throw error;
}
