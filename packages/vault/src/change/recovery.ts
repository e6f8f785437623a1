import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { findGitFolders, journalFile } from "../git/git-folders.js";

/**
 * Finishes or undoes what a killed process left of a change; does nothing, fast, where there is nothing, or where the process that
 * makes the change is still at it.
 */
export async function recoverVault(context: Context, root: string): Promise<void> {
  if (mayHoldJournal(dirname(root))) {
    const { finishInterrupted } = await import("./transaction.js");
    await finishInterrupted(context, root);
  }
  if (mayHoldWaitingKey(context)) {
    const { finishInterruptedRotation } = await import("../keys/pending-owner-key.js");
    await finishInterruptedRotation(context, root);
  }
}

/** Most people have no key of one vault's own, and of those who have, most have rotated none. */
function mayHoldWaitingKey({ home }: Context): boolean {
  const folder = join(home, "owners");
  return existsSync(folder) && readdirSync(folder).some((name) => name.includes(".key.new-"));
}

/** Where a change keeps its journal, looked for without git: every read comes through here. */
function mayHoldJournal(folder: string): boolean {
  const git = findGitFolders(folder);
  return git !== undefined && existsSync(journalFile(git.gitDir));
}
