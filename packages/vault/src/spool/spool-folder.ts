import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Context } from "../context.js";
import { createFile } from "../disk/atomic-file.js";
import { isSystemError, VaultError, writeError } from "../errors.js";
import { ledgerFolder } from "../record/unrecorded-uses.js";

const SEGMENT_NAME = /^[0-9a-f]{32}$/;
/** What was found changed is kept under this name. */
const DAMAGED = ".damaged";
/** A segment of another machine or container while its last rows are taken in: its writer then begins a new one. */
const CLOSED = ".closed";

/** Whether a file's name is that of a segment that waits to be taken in. */
export function isSegmentName(name: string): boolean {
  return SEGMENT_NAME.test(name.endsWith(CLOSED) ? name.slice(0, -CLOSED.length) : name);
}

/** The folder of a vault's spool. @param vault the vault's id */
export const spoolFolder = (context: Context, vault: string): string => join(ledgerFolder(context), `${vault}.spool`);

/** The files of a spool, by what is to be done with them. */
export interface SpoolFiles {
  /** Absolute paths of the segments that wait to be taken in, those that were closed too. */
  readonly segments: readonly string[];
  /** Absolute paths of those that were set aside. */
  readonly damaged: readonly string[];
}

/** The files of a vault's spool; none where there is none. */
export function spoolFiles(context: Context, vault: string): SpoolFiles {
  const folder = spoolFolder(context, vault);
  let names: string[];
  try {
    names = readdirSync(folder).toSorted();
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return { segments: [], damaged: [] };
    throw error;
  }
  const within = (test: (name: string) => boolean) => names.filter(test).map((name) => join(folder, name));
  return {
    segments: within(isSegmentName),
    damaged: within((name) => name.endsWith(DAMAGED)),
  };
}

/** The names that a segment gets when it was found changed, and when it is closed to its writer. @param file absolute path */
export const damagedName = (file: string): string => `${file.endsWith(CLOSED) ? file.slice(0, -CLOSED.length) : file}${DAMAGED}`;
/** See {@link damagedName}. */
export const closedName = (file: string): string => (file.endsWith(CLOSED) ? file : `${file}${CLOSED}`);

/**
 * Makes a folder of the audit log where it is missing, readable for this user alone.
 * @throws VaultError `LEDGER_FOLDER` where it is a link or another user's, `UNWRITABLE`, `DISK_FULL`
 */
export function requirePrivateFolder(folder: string): void {
  try {
    makeFolder(folder);
    const stat = lstatSync(folder);
    if (!stat.isDirectory()) throw unfit(folder, "is not a folder");
    if (process.getuid && stat.uid !== process.getuid()) throw unfit(folder, "belongs to another user");
    if (process.platform !== "win32" && stat.mode & 0o077) chmodSync(folder, 0o700);
  } catch (error) {
    throw writeError(error, folder);
  }
}

/**
 * The name of this home folder among those whose spools an owner collects: random, made with the first segment.
 * @throws VaultError `UNWRITABLE`, `DISK_FULL`
 */
export function spoolMachine(context: Context): string {
  const folder = ledgerFolder(context);
  const file = join(folder, "machine");
  for (;;) {
    const known = readMachine(file);
    if (known !== undefined) return known;
    createFile(file, `m${Buffer.from(context.random(8)).toString("hex")}\n`, { durable: true });
    if (readMachine(file) === undefined) throw unfit(file, "is not what names this machine");
  }
}

/** The name of this home folder, where it has one. */
export function knownSpoolMachine(context: Context): string | undefined {
  return readMachine(join(ledgerFolder(context), "machine"));
}

function readMachine(file: string): string | undefined {
  try {
    return /^m[0-9a-f]{16}(?=\n$)/.exec(readFileSync(file, "latin1"))?.[0];
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw writeError(error, file);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    // Something else is in its place, which is looked at next.
    if (!isSystemError(error, "EEXIST")) throw error;
  }
}

function unfit(path: string, why: string): VaultError {
  return new VaultError("LEDGER_FOLDER", `${path} ${why}, so the audit log cannot be kept in it.`, {
    remedy: "Find out who put it there and move it away, or choose another AGENT_VAULT_HOME.",
  });
}
