import { isSystemError, VaultError } from "../errors.js";

/**
 * What came of asking a vault's remote. None of them moves a branch or touches a file of the work tree.
 *
 * - `fetched`: the remote has said what it holds
 * - `recent`: it was not asked, as it was within the vault's `pull_interval`
 * - `no-remote`: there is none, or it holds nothing that could be followed
 * - `offline`: it could not be reached, or refused
 */
export type FetchOutcome = "fetched" | "recent" | "no-remote" | "offline";

/** Why a fetch failed, for a warning. @throws what was thrown where that was no failure of the vault's or the system's */
export function formatReason(error: unknown): string {
  if (error instanceof VaultError) return error.message;
  if (isSystemError(error)) return `${error.path ?? "a file"} could not be used (${error.code}).`;
  throw error;
}
