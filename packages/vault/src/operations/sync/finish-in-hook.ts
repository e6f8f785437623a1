import { join } from "node:path";
import { askingAboutMerges } from "../../change/ask-merge.js";
import { finishMerge } from "../../change/finish-merge.js";
import type { MergeReport } from "../../change/merge-review.js";
import type { Context } from "../../context.js";
import { VaultError } from "../../errors.js";
import { findGitFolders } from "../../git/git-folders.js";
import { readMergeMark } from "../../git/merge-mark.js";
import { detectHarness } from "../../harness.js";

/** What a hook made of a merge: it is signed, or it waits, and why; absent where there was none. */
export type HookFinish = { readonly finished: MergeReport | undefined } | { readonly waits: VaultError };

/**
 * Signs a merge of the vault that git has made in this work tree, where that takes nobody's word: with an owner's key that is not locked, and
 * nothing left to decide. A coding agent that merges does not sign for its person.
 * @throws what is no VaultError
 */
export async function finishInHook(context: Context): Promise<HookFinish | undefined> {
  const folders = findGitFolders(context.cwd);
  const mark = folders && readMergeMark(folders.gitDir);
  if (!mark) return undefined;
  const harness = detectHarness(context.env);
  try {
    if (harness !== undefined) throw waitsForPerson(harness);
    const quiet: Context = { ...context, passphrase: undefined };
    const root = join(folders.workTree, mark.folder);
    const asked = await askingAboutMerges(quiet, root, {}, (choice) => finishMerge(quiet, root, choice));
    return "unmerged" in asked || !asked.result ? undefined : { finished: asked.merged };
  } catch (error) {
    if (error instanceof VaultError) return { waits: error };
    throw error;
  }
}

function waitsForPerson(harness: string): VaultError {
  return new VaultError("CONFIRMATION_REQUIRED", `git merged the vault, and this was run by ${harness}, which does not sign for you.`, {
    remedy: "Run agent-vault sync on a terminal of your own.",
  });
}
