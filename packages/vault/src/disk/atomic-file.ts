import { randomBytes } from "node:crypto";
import { closeSync, fchmodSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { isSystemError, writeError } from "../errors.js";

/** How a file is written in one step: its permissions, what the disk must hold on return, and the draft. */
export interface AtomicWriteOptions {
  /** The file's permissions; 0600 unless set. */
  readonly mode?: number;
  /** Returns once the disk holds the file and its name, so that a loss of power takes neither. */
  readonly durable?: boolean;
  /** The file that takes the bytes first, in the same folder; it has a random name unless set. */
  readonly draft?: string;
  /** Called with all bytes written and nothing replaced yet: what it throws ends the write. */
  readonly beforeReplacing?: () => void;
}

/**
 * Writes a file whole or not at all, in place of the one that may be there. A link in its place is replaced and not followed.
 * The folder has to exist.
 * @throws VaultError `UNWRITABLE`, `DISK_FULL`, with the system's error as their `cause`
 */
export function replaceFile(file: string, bytes: Uint8Array | string, options: AtomicWriteOptions = {}): void {
  try {
    const draft = writeDraft(file, bytes, options);
    try {
      options.beforeReplacing?.();
      renameSync(draft, file);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
    if (options.durable) syncFolder(dirname(file));
  } catch (error) {
    throw writeError(error, file);
  }
}

/**
 * Writes a new file whole or not at all, and never over another one. The folder has to exist.
 * @returns `false` where the name is taken
 * @throws VaultError as {@link replaceFile}
 */
export function createFile(file: string, bytes: Uint8Array | string, options: Pick<AtomicWriteOptions, "mode" | "durable"> = {}): boolean {
  try {
    const draft = writeDraft(file, bytes, options);
    try {
      linkSync(draft, file);
    } catch (error) {
      if (isSystemError(error, "EEXIST")) return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
    if (options.durable) syncFolder(dirname(file));
    return true;
  } catch (error) {
    throw writeError(error, file);
  }
}

/** Makes a rename in a folder outlast a loss of power, where the system lets a folder be synced. */
export function syncFolder(folder: string): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(folder, "r");
    fsyncSync(descriptor);
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM", "EISDIR", "EINVAL", "ENOTSUP")) throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** @returns the draft's path; the name is random, as a link may have been put in the place of one that can be guessed */
function writeDraft(file: string, bytes: Uint8Array | string, { mode = 0o600, durable, draft }: AtomicWriteOptions): string {
  const path = draft ?? `${file}.agent-vault-${randomBytes(6).toString("hex")}`;
  const descriptor = openSync(path, "wx", mode & 0o700);
  try {
    writeWhole(descriptor, typeof bytes === "string" ? Buffer.from(bytes) : bytes);
    // The umask has no say, as a hook that git cannot execute is none.
    if ((mode & 0o077) !== 0) fchmodSync(descriptor, mode);
    if (durable) fsyncSync(descriptor);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return path;
}

/** A call may write less than it was given, such as on a disk that is nearly full. */
export function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) offset += writeSync(descriptor, bytes, offset);
}
