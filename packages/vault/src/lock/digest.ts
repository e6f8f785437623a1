import { createHash } from "node:crypto";

/** `sha256:` and 64 hexadecimal digits. */
export type Digest = `sha256:${string}`;

const DIGEST_LENGTH = 64;

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
  const lines = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([file, digest]) => treeListLine(digest, file));
  return lines.join("");
}

/** A line of such a list. */
export function treeListLine(digest: Digest, file: string): string {
  return `${digest.slice("sha256:".length)}  ${file}\n`;
}

/** The digests in such a list, by their paths with a prefix. */
export function parseTreeList(list: string, prefix: string): Map<string, Digest> {
  const digests = new Map<string, Digest>();
  for (let start = 0; start < list.length;) {
    const end = list.indexOf("\n", start);
    digests.set(prefix + list.slice(start + DIGEST_LENGTH + 2, end), `sha256:${list.slice(start, start + DIGEST_LENGTH)}`);
    start = end + 1;
  }
  return digests;
}

/** Whether a value is written as digests are. */
export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value);
}
