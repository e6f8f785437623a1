import { closeSync, constants, fchmodSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { writeError } from "@agent-vault/vault";

/** Writes a file that only its owner can read from the start. A symbolic link in its place is not followed. @throws VaultError `DISK_FULL`, `UNWRITABLE` */
export function writePrivateFile(file: string, bytes: Uint8Array): void {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
    const descriptor = openSync(file, flags, 0o600);
    try {
      fchmodSync(descriptor, 0o600);
      ftruncateSync(descriptor);
      for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw writeError(error, file);
  }
}
