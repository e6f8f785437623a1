import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { runGitSync } from "./run-git-sync.js";

/** Whether a commit is another one or behind it; `false` where one of them is not there. @throws VaultError `GIT_MISSING` */
export function isAncestorSync(context: Context, folder: string, commit: string, of: string): boolean {
  try {
    runGitSync(context, folder, ["merge-base", "--is-ancestor", commit, of]);
    return true;
  } catch (error) {
    if (error instanceof VaultError && error.code === "GIT_FAILED") return false;
    throw error;
  }
}
