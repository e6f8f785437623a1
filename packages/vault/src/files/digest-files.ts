import { VaultError } from "../errors.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { isSigned } from "../lock/signed-files.js";
import type { FileSource } from "../format/file-source.js";
import { MAX_FILE_BYTES } from "./limits.js";

/** Finds private keys in the bytes of a file; lines count from 1. */
export type KeyFinder = (bytes: Uint8Array) => readonly { readonly line: number }[];

/** What reading every file of a vault came to. */
export interface DigestedFiles {
  /** Of the files that belong in a vault, by their path in it. */
  readonly digests: ReadonlyMap<string, Digest>;
  /** Private keys in the clear, in whatever file. */
  readonly keyMaterial: readonly { readonly file: string; readonly line: number }[];
}

/**
 * Reads every file of a vault, one after the other, since all of them together may be more than fits into memory. What is larger than any
 * file of a vault is not read, and is not what anybody signed.
 * @throws VaultError `LINK_IN_VAULT`, `DAMAGED`, `FAILED`, `TAMPERED` where there are more files than a vault has
 */
export function digestFiles(source: FileSource, findKeys: KeyFinder = () => []): DigestedFiles {
  const digests = new Map<string, Digest>();
  const keyMaterial: { file: string; line: number }[] = [];
  const read = readerOf(source);
  for (const { file, kind } of source.walk()) {
    const bytes = kind === "file" ? unlessTooLarge(() => read(file)) : undefined;
    if (!bytes) continue;
    if (isSigned(file)) digests.set(file, digestOf(bytes));
    for (const { line } of findKeys(bytes)) keyMaterial.push({ file, line });
  }
  return { digests, keyMaterial };
}

/** What most files of a vault fit into. */
const SMALL_FILE_BYTES = 64 * 1024;

/** Reads files one after the other; their bytes are there until the next one is read, since all files share one buffer. */
function readerOf(source: FileSource): (file: string) => Uint8Array | undefined {
  let buffer: Uint8Array | undefined;
  return (file) => {
    if (!source.readInPieces) return source.read(file);
    let length = 0;
    const isThere = source.readInPieces(file, (piece) => {
      buffer = withRoom(buffer, length, piece.length);
      buffer.set(piece, length);
      length += piece.length;
    });
    return isThere ? (buffer?.subarray(0, length) ?? new Uint8Array()) : undefined;
  };
}

/** The buffer, or one of the largest size with what it holds: memory of that size is asked for where a file needs it, as it takes time. */
function withRoom(buffer: Uint8Array | undefined, held: number, bytes: number): Uint8Array {
  if (buffer && held + bytes <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafeSlow(held + bytes <= SMALL_FILE_BYTES ? SMALL_FILE_BYTES : MAX_FILE_BYTES);
  if (buffer) larger.set(buffer.subarray(0, held));
  return larger;
}

/** @returns no bytes for a file that is too large */
function unlessTooLarge(read: () => Uint8Array | undefined): Uint8Array | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof VaultError && error.code === "TAMPERED") return new Uint8Array();
    throw error;
  }
}
