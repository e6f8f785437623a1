import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createFile, isSystemError, replaceFile, requirePrivateFolder, VaultError } from "@agent-vault/vault/read-only";

/** Larger than a key file with every recipient that a header can have. */
const MAX_KEY_FILE_BYTES = 2 ** 21;

/** The bytes of a ledger's key file, or `undefined` where there is none. @throws VaultError `LEDGER_KEY` */
export function readLedgerKey(file: string): Uint8Array | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (isSystemError(cause, "ENOENT")) return undefined;
    throw new VaultError("LEDGER_KEY", `The key of the audit log in ${file} could not be read.`, {
      remedy: "Check the owner and the permissions of the file, and that it is a regular file and not a link.",
      cause,
    });
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MAX_KEY_FILE_BYTES) throw damagedKey(file);
    return new Uint8Array(readFileSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a new key file. @returns `false` where there is one already @throws VaultError `UNWRITABLE`, `DISK_FULL` */
export function writeLedgerKey(file: string, bytes: Uint8Array): boolean {
  requirePrivateFolder(dirname(file));
  return createFile(file, bytes, { durable: true });
}

/** Writes the key file in the place of the one that is there. @throws VaultError `UNWRITABLE`, `DISK_FULL` */
export function replaceLedgerKey(file: string, bytes: Uint8Array): void {
  requirePrivateFolder(dirname(file));
  replaceFile(file, bytes, { durable: true });
}

/** The error for a key file whose content is none. */
export function damagedKey(file: string, cause?: unknown): VaultError {
  return new VaultError("LEDGER_KEY", `${file} is damaged: it should hold the key of the audit log.`, {
    remedy: "Restore it from a backup; without it, move the audit log and this file away to start a new one.",
    cause,
  });
}
