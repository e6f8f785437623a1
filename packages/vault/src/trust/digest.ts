import { createHash } from "node:crypto";

/** `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`;

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * The digest of a folder's files, of all below it: the SHA-256 of a line for each, sorted by the bytes of their paths, as
 * `find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum` prints it.
 * @param files digests by path relative to the folder
 */
export function treeDigest(files: ReadonlyMap<string, Digest>): Digest {
  // The grammar of names is ASCII, where the order of code units is that of bytes.
  const lines = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([file, digest]) => `${digest.slice("sha256:".length)}  ${file}\n`);
  return digestOf(lines.join(""));
}
