import { createHash } from "node:crypto";

/** `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`;

/** The SHA-256 of the bytes, or of the text in UTF-8, in lower-case hex after `sha256:`. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * The digest of a folder's files, of all below it: that of their list, as
 * `find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum` prints it.
 * @param files digests by path relative to the folder
 */
export function treeDigest(files: ReadonlyMap<string, Digest>): Digest {
  return digestOf(treeList(files));
}

/** A line `SHA256␠␠PATH` for each file, sorted by the bytes of their paths, as `sha256sum` prints it. */
export function treeList(files: ReadonlyMap<string, Digest>): string {
  // The grammar of names is ASCII, where the order of code units is that of bytes.
  const lines = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([file, digest]) => `${digest.slice("sha256:".length)}  ${file}\n`);
  return lines.join("");
}

/** Whether a value is written as digests are. */
export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value);
}
