import { closeSync, constants, fsyncSync, openSync, writeSync } from "node:fs";
import { isSystemError, VaultError, writeError } from "../errors.js";

const MAX_WAIT_MS = 5000;
const STANDARD_ERROR = 2;

/** Appends a line to a file, which is made with mode 0600 where it is missing. When this returns, the disk holds it. @throws VaultError `UNWRITABLE`, `DISK_FULL` */
export function appendLine(file: string, line: string): void {
  try {
    const descriptor = openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
    try {
      writeWhole(descriptor, line);
      fsyncWherePossible(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw writeError(error, file);
  }
}

/** Writes a line to standard error, whatever takes it. @throws VaultError `LEDGER_UNAVAILABLE` where nothing does */
export function writeToStandardError(line: string): void {
  try {
    writeWhole(STANDARD_ERROR, line);
  } catch (cause) {
    throw new VaultError("LEDGER_UNAVAILABLE", "Standard error takes nothing, so the use is not on record.", {
      remedy: "Check where it goes, or set AGENT_VAULT_AUDIT to file:PATH.",
      cause,
    });
  }
}

/** A pipe whose reader is slow takes more after a while. */
function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  const deadline = performance.now() + MAX_WAIT_MS;
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      if (!isSystemError(error, "EAGAIN") || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** A device or a pipe in the file's place has no disk. */
function fsyncWherePossible(descriptor: number): void {
  try {
    fsyncSync(descriptor);
  } catch (error) {
    if (!isSystemError(error, "EINVAL", "ENOTSUP", "EROFS")) throw error;
  }
}
