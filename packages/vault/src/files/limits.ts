import { VaultError } from "../errors.js";
import { classify } from "../format/layout.js";
import { badSignature } from "../lock/ssh-signature.js";

const KIB = 1024;
const MIB = 1024 * KIB;

/** How large the files of a vault can be, in bytes; the first pattern that fits counts. */
const LIMITS: readonly (readonly [RegExp, number])[] = [
  [/^(?:vault|signers\/[^/]+)\.lock$/, 8 * MIB],
  [/^(?:vault\.lock|signers\/[^/]+)\.sig$/, 4 * KIB],
  [/^vault\.states$/, 16 * MIB],
  [/^manifest\.yaml$/, 8 * MIB],
  [/\.(?:yaml|meta)$/, 4 * MIB],
  [/^(?:owner\.pub|owners\/[^/]+\.pub|agents\/[^/]+\/public\.key)$/, 64 * KIB],
];
/** The largest file that a vault can have. */
export const MAX_FILE_BYTES = 64 * MIB;

/** More than a vault of 90,000 secrets has files. */
const MAX_ENTRIES = 200_000;
/** Deeper than any name in a vault. */
const MAX_DEPTH = 32;

/** How long the list of all files of a vault may be. */
export const MAX_LISTING_BYTES = 24 * MIB;

/**
 * Requires that a file is no larger than such a file of a vault can be, before any of it is read: until its digest is known to be signed,
 * anybody who can push may have made it.
 * @param file relative to the vault's folder
 * @throws VaultError `TAMPERED`; `BAD_SIGNATURE` for the lock and its signature
 */
export function requireSize(file: string, bytes: number): void {
  if (bytes <= maxBytesOf(file)) return;
  const message = `${file} is larger than any such file of a vault`;
  throw classify(file).kind === "signature" ? badSignature(message) : beyondLimit(`${message} (${bytes} bytes).`);
}

/** How large a file of a vault can be. @param file relative to the vault's folder */
export function maxBytesOf(file: string): number {
  return LIMITS.find(([pattern]) => pattern.test(file))?.[1] ?? MAX_FILE_BYTES;
}

/** @param folder relative to the vault's folder @param entries how many are below it @throws VaultError `TAMPERED` */
export function requireEntries(folder: string, entries: number): void {
  if (entries > MAX_ENTRIES) throw tooManyEntries(folder);
}

/** @param folder relative to the vault's folder @throws VaultError `TAMPERED` */
export function requireDepth(folder: string): void {
  if (folder.split("/", MAX_DEPTH + 1).length > MAX_DEPTH)
    throw beyondLimit("The vault has folders that are deeper than any of its names.");
}

/** The error for a folder with more files than a vault has. */
export function tooManyEntries(folder: string): VaultError {
  return beyondLimit(`${folder === "" ? "The vault" : folder} has more files than any vault.`);
}

function beyondLimit(message: string): VaultError {
  return new VaultError("TAMPERED", message, {
    remedy: "Do not use it. See who changed it (git log, git status), and take the signed state back: git checkout COMMIT -- .agent-vault",
  });
}
