import { digestOf, type Digest } from "../lock/digest.js";
import { isSigned } from "../lock/signed-files.js";
import type { FileSource } from "../format/file-source.js";

/** Finds private keys in the bytes of a file; lines count from 1. */
export type KeyFinder = (bytes: Uint8Array) => readonly { readonly line: number }[];

/** What reading every file of a vault came to. */
export interface DigestedFiles {
  /** Of the files that belong in a vault, by their path in it. */
  readonly digests: ReadonlyMap<string, Digest>;
  /** Private keys in the clear, in whatever file. */
  readonly keyMaterial: readonly { readonly file: string; readonly line: number }[];
}

/** More than git hosts take; a larger file is not read to its end, and is not what anybody signed. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/**
 * Reads every file of a vault, one after the other, since all of them together may be more than fits into memory.
 * @throws VaultError `LINK_IN_VAULT`, `DAMAGED`, `FAILED`
 */
export function digestFiles(source: FileSource, findKeys: KeyFinder = () => []): DigestedFiles {
  const digests = new Map<string, Digest>();
  const keyMaterial: { file: string; line: number }[] = [];
  for (const { file, kind } of source.walk()) {
    const bytes = kind === "file" ? source.read(file, MAX_FILE_BYTES + 1) : undefined;
    if (!bytes) continue;
    if (isSigned(file)) digests.set(file, digestOf(bytes.length > MAX_FILE_BYTES ? "" : bytes));
    for (const { line } of findKeys(bytes)) keyMaterial.push({ file, line });
  }
  return { digests, keyMaterial };
}
