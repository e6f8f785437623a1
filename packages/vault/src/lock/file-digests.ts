import { createHash } from "node:crypto";
import type { FileSource } from "../format/file-source.js";
import { ADDED_ENTRIES, classify } from "../format/layout.js";
import type { Digest } from "./digest.js";
import type { Lock } from "./lock.js";

/** The folder whose digest covers a file, or `undefined` where the file has an entry of its own. */
export function treeOf(file: string): string | undefined {
  return /^(agents|owners|secrets\/[^/]+|signers|versions)\//.exec(file)?.[1];
}

/** Whether the owner's signature covers a file: all that belongs in a vault but the signature itself. Added files are covered by way of `config.yaml`. */
export function isSigned(file: string): boolean {
  const { kind } = classify(file);
  return kind !== "stray" && kind !== "signature";
}

/** The digest of a file as it is now; `undefined` where there is none. */
export function digestOfFile(source: FileSource, file: string): Digest | undefined {
  const known = source.knownDigest?.(file);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  const take = (bytes: Uint8Array) => void hash.update(bytes);
  const bytes = source.readInPieces ? undefined : source.read(file);
  if (bytes) take(bytes);
  const isThere = bytes !== undefined || source.readInPieces?.(file, take);
  return isThere ? `sha256:${hash.digest("hex")}` : undefined;
}

/** Files and folders that are covered by way of `config.yaml`. */
export const ADDED: ReadonlySet<string> = new Set(ADDED_ENTRIES);

/** Whether a file is covered by way of `config.yaml`, and not by the lock's own lists. */
export function isAdded(file: string): boolean {
  return ADDED.has(treeOf(file) ?? file);
}

/** What is signed of a set of files. */
export interface Summary extends Pick<Lock, "files" | "trees"> {
  /** For `signed_files` in `config.yaml`: the digests of files and folders that the lock's own lists leave out. */
  readonly added: ReadonlyMap<string, Digest>;
}
