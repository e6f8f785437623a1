import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { findGitFolders } from "../git/git-folders.js";
import { readMergeMark, removeMergeMark } from "../git/merge-mark.js";
import { GitRepository } from "../git/repository.js";
import type { KeyChoice } from "../keys/find-key.js";
import { tryOpenLock } from "../lock/open-lock.js";
import { askingAboutMerges, type MergeDeciders } from "./ask-merge.js";
import { finishMerge } from "./finish-merge.js";
import { MergeConflictError } from "./merge-review.js";

/** Whether what stands in the work tree's `vault.lock` is no signed state, as where git has joined two. @param root the vault's folder */
export function isJoined(root: string): boolean {
  const files = new VaultFolder(root);
  const lock = files.read(LOCK_FILE);
  return lock !== undefined && tryOpenLock(lock, files.read(LOCK_SIGNATURE_FILE)) === undefined;
}

/** Whether an error is what the files of a merge look like that git has made without our driver: only they show it. */
export function isSignOfMerge(error: unknown): boolean {
  return error instanceof VaultError && (error.code === "TAMPERED" || error.code === "BAD_SIGNATURE");
}

/** Takes away what our driver has noted of a merge that was given up, or signed on another way. @param root the vault's folder */
export function forgetMerge(context: Context, root: string): void {
  const folders = findGitFolders(dirname(root));
  if (!folders || !readMergeMark(folders.gitDir)) return;
  if (GitRepository.locate(context, dirname(root)).unfinishedOperation() === undefined) removeMergeMark(folders.gitDir);
}

/**
 * Signs a merge that git has made of the vault, before an owner changes it.
 * @returns whether there was one
 * @throws VaultError `CONFLICT` where a person has to decide, and nobody is there or they do not want to; and as `finishMerge`
 */
export async function finishBeforeChange(
  context: Context,
  { vault, key, review }: { readonly vault: string; readonly key?: KeyChoice | undefined } & Pick<MergeDeciders, "review">,
): Promise<boolean> {
  const asked = await askingAboutMerges(context, vault, { key, review }, (choice) => finishMerge(context, vault, choice, key));
  if ("unmerged" in asked) throw new MergeConflictError(asked.unmerged);
  if (asked.result) {
    context.note?.(`Signed the merge of the vault${asked.merged ? ` with ${asked.merged.branch}` : ""} that git had made.`);
    for (const { kind, text } of asked.merged?.notes ?? []) if (kind === "owed") context.warn(`${text}.`);
  }
  return asked.result;
}
