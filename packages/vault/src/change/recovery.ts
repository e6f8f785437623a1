import { existsSync, lstatSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";

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

/** Looks without git for the usual place of a journal, which is worth the exception: every read comes through here. */
function mayHoldJournal(folder: string): boolean {
  for (; ; folder = dirname(folder)) {
    const git = lstatSync(join(folder, ".git"), { throwIfNoEntry: false });
    if (git) return !git.isDirectory() || existsSync(join(folder, ".git", "agent-vault", "journal.json"));
    if (folder === dirname(folder)) return false;
  }
}
