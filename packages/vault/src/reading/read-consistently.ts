import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Context } from "../context.js";
import { withWriteLock, withWriteLockSync } from "../disk/write-lock.js";
import { ERROR_CODES, VaultError, type ErrorCode } from "../errors.js";
import { changeFolder, findGitFolders } from "../git/git-folders.js";

/**
 * Reads files of a vault. While another process brings in the next state, one file after the other, an attempt may meet some files of
 * each: then that process is waited for, and the files are read again while nobody changes them.
 * @param attempt reads all that must be of one state; it may be called twice
 * @param isDoubtful whether what was read may be of two states, where that is no error
 * @throws VaultError what the last attempt throws
 */
export async function readConsistently<T>(
  context: Context,
  root: string,
  attempt: () => Promise<T>,
  isDoubtful: (read: T) => boolean = () => false,
): Promise<T> {
  let first: T;
  try {
    first = await attempt();
  } catch (error) {
    if (!mayBeHalfWritten(error)) throw error;
    return (await underLock(context, root, attempt)) ?? attempt();
  }
  return isDoubtful(first) ? ((await underLock(context, root, attempt)) ?? attempt()) : first;
}

/** As {@link readConsistently}, for a caller that cannot wait: the whole process waits for the other one. */
export function readConsistentlySync<T>(context: Context, root: string, attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (!mayBeHalfWritten(error)) throw error;
    return underLockSync(context, root, attempt) ?? attempt();
  }
}

/** Whether this is what is wrong with files that are half of one state and half of the next. */
export function mayBeHalfWritten(problem: unknown): boolean {
  return problem instanceof VaultError && isSignOfHalfWrite(problem.code);
}

/** As {@link mayBeHalfWritten}, by the code. */
export function isSignOfHalfWrite(code: ErrorCode): boolean {
  return ERROR_CODES[code].kind === "verification" || code === "DAMAGED";
}

/** @returns `undefined` where no process can have been at work, or where that cannot be told, as where nothing can be written */
async function underLock<T>(context: Context, root: string, attempt: () => Promise<T>): Promise<T | undefined> {
  let isLocked = false;
  const work = () => {
    isLocked = true;
    return attempt();
  };
  try {
    const folder = lockFolder(root);
    return folder === undefined ? undefined : await withWriteLock(context, folder, work);
  } catch (error) {
    if (isLocked) throw error;
    return undefined;
  }
}

function underLockSync<T>(context: Context, root: string, attempt: () => T): T | undefined {
  let isLocked = false;
  const work = () => {
    isLocked = true;
    return attempt();
  };
  try {
    const folder = lockFolder(root);
    return folder === undefined ? undefined : withWriteLockSync(context, folder, work);
  } catch (error) {
    if (isLocked) throw error;
    return undefined;
  }
}

/** Where those who change the vault put up their claims; `undefined` where nobody ever did. */
function lockFolder(root: string): string | undefined {
  const folders = findGitFolders(dirname(root));
  const folder = folders && changeFolder(folders.gitDir);
  return folder !== undefined && existsSync(folder) ? folder : undefined;
}
