import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { withWriteLock, withWriteLockSync } from "../disk/write-lock.js";
import { isVerificationError, VaultError } from "../errors.js";
import { runGitSync } from "../git/run-git-sync.js";

/**
 * Reads files of a vault. While another process brings in the next state, one file after the other, an attempt may meet some files of
 * each: then that process is waited for, and the files are read again while nobody changes them.
 * @param attempt reads all that must be of one state; it may be called twice
 * @param problemOf what is wrong with something that was read all the same
 * @throws VaultError what the last attempt throws
 */
export async function readConsistently<T>(
  context: Context,
  root: string,
  attempt: () => Promise<T>,
  problemOf: (read: T) => unknown = () => undefined,
): Promise<T> {
  let first: T;
  try {
    first = await attempt();
  } catch (error) {
    if (!mayBeHalfWritten(error)) throw error;
    return (await underLock(context, root, attempt)) ?? fail(error);
  }
  return (mayBeHalfWritten(problemOf(first)) ? await underLock(context, root, attempt) : undefined) ?? first;
}

/** As {@link readConsistently}, for a caller that cannot wait: the whole process waits for the other one. */
export function readConsistentlySync<T>(context: Context, root: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (!mayBeHalfWritten(error)) throw error;
    return underLockSync(context, root, attempt) ?? fail(error);
  }
}

/** Whether files that are half of one state and half of the next look like this. */
function mayBeHalfWritten(problem: unknown): boolean {
  return isVerificationError(problem) || (problem instanceof VaultError && problem.code === "DAMAGED");
}

/** @returns `undefined` where no process can have been at work, or where that cannot be told, as where nothing can be written */
async function underLock<T>(context: Context, root: string, attempt: () => Promise<T>): Promise<T | undefined> {
  let isLocked = false;
  try {
    const folder = lockFolder(context, root);
    return folder === undefined ? undefined : await withWriteLock(context, folder, () => ((isLocked = true), attempt()));
  } catch (error) {
    if (isLocked) throw error;
    return undefined;
  }
}

function underLockSync<T>(context: Context, root: string, attempt: () => T): T | undefined {
  let isLocked = false;
  try {
    const folder = lockFolder(context, root);
    return folder === undefined ? undefined : withWriteLockSync(context, folder, () => ((isLocked = true), attempt()));
  } catch (error) {
    if (isLocked) throw error;
    return undefined;
  }
}

/** Where those who change the vault put up their claims; `undefined` where nobody ever did. */
function lockFolder(context: Context, root: string): string | undefined {
  const gitDir = runGitSync(context, dirname(root), ["rev-parse", "--absolute-git-dir"]).toString().trimEnd();
  const folder = join(gitDir, "agent-vault");
  return existsSync(folder) ? folder : undefined;
}

function fail(error: unknown): never {
  throw error;
}
