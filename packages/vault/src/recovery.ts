import { existsSync, lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "./context.js";

/**
 * Finishes or undoes what a killed process left of a change; does nothing, fast, where there is nothing, or where the process that
 * makes the change is still at it.
 */
export async function recoverVault(context: Context, root: string): Promise<void> {
  if (!mayHoldJournal(dirname(root))) return;
  const { finishInterrupted } = await import("./transaction.js");
  await finishInterrupted(context, root);
}

/** Looks without git for the usual place of a journal, which is worth the exception: every read comes through here. */
function mayHoldJournal(folder: string): boolean {
  for (; ; folder = dirname(folder)) {
    const git = lstatSync(join(folder, ".git"), { throwIfNoEntry: false });
    if (git) return !git.isDirectory() || existsSync(join(folder, ".git", "agent-vault", "journal.json"));
    if (folder === dirname(folder)) return false;
  }
}
