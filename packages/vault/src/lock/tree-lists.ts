import { createHash, type Hash } from "node:crypto";
import { entriesOf, type FileSource } from "../format/file-source.js";
import { GITATTRIBUTES_FILE } from "../format/layout.js";
import { ADDED, digestOfFile, isSigned, treeOf, type Summary } from "./file-digests.js";
import { parseTreeList, treeListLine, type Digest } from "./digest.js";

/** A folder's files, as its digest covers them. */
export interface TreeList {
  readonly digest: Digest;
  /** Lines of `SHA256␠␠PATH`. */
  text(): string;
  /** Of each file, by its path in the vault. */
  digests(): Map<string, Digest>;
}

/**
 * Lists a folder with the digests of its files, held as bytes: until its digest is found to be the signed one, it may be anything.
 * @returns `undefined` for a folder without files
 */
export function listTree(source: FileSource, tree: string): TreeList | undefined {
  const lines = new Lines();
  const hash = createHash("sha256");
  for (const [file, digest] of signedFilesBelow(source, tree)) hash.update(lines.add(digest, file.slice(tree.length + 1)));
  if (lines.isEmpty) return undefined;
  return { digest: `sha256:${hash.digest("hex")}`, text: () => lines.text(), digests: () => parseTreeList(lines.text(), `${tree}/`) };
}

/** All files of a vault, as the lock covers them. */
export interface TreeLists extends Summary {
  digests(): Map<string, Digest>;
  /** As {@link isNestedAttributes} has them. */
  readonly nested: readonly string[];
}

/** Looks through a vault once. */
export function listTrees(source: FileSource): TreeLists {
  const lines = new Lines();
  const nested: string[] = [];
  const [files, trees, added] = [new Map<string, Digest>(), new Map<string, Digest>(), new Map<string, Digest>()];
  let current: { readonly tree: string; readonly hash: Hash } | undefined;
  const finish = () => {
    if (current) (ADDED.has(current.tree) ? added : trees).set(current.tree, `sha256:${current.hash.digest("hex")}`);
    current = undefined;
  };
  // Entries are sorted, so those of one folder follow one another.
  for (const [file, digest] of signedFilesBelow(source, "", nested)) {
    lines.add(digest, file);
    const tree = treeOf(file);
    if (tree !== current?.tree) finish();
    if (tree === undefined) (ADDED.has(file) ? added : files).set(file, digest);
    else {
      current ??= { tree, hash: createHash("sha256") };
      current.hash.update(treeListLine(digest, file.slice(tree.length + 1)));
    }
  }
  finish();
  return { files, trees, added, nested, digests: () => parseTreeList(lines.text(), "") };
}

/** Rules in a folder of the vault go before the signed ones at its top, and would have git change files on their way to the work tree. */
export function isNestedAttributes(file: string): boolean {
  return file.endsWith(`/${GITATTRIBUTES_FILE}`);
}

/** @param nested takes the names of nested attributes */
function* signedFilesBelow(source: FileSource, folder: string, nested: string[] = []): Generator<readonly [file: string, digest: Digest]> {
  for (const { file, kind } of entriesOf(source, folder)) {
    if (isNestedAttributes(file)) nested.push(file);
    const digest = kind === "file" && isSigned(file) ? digestOfFile(source, file) : undefined;
    if (digest) yield [file, digest];
  }
}

const PIECE_BYTES = 256 * 1024;

/** Lines of a list, as bytes: a string and an object for each would take several times the memory. Names are ASCII. */
class Lines {
  readonly #pieces: Buffer[] = [];
  #length = 0;

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** @returns the line */
  add(digest: Digest, file: string): string {
    const line = treeListLine(digest, file);
    let piece = this.#pieces.at(-1);
    if (!piece || this.#length + line.length > piece.length) {
      if (piece) this.#pieces[this.#pieces.length - 1] = piece.subarray(0, this.#length);
      // The first is small, as most folders are.
      this.#pieces.push((piece = Buffer.allocUnsafeSlow(this.#pieces.length === 0 ? 4096 : PIECE_BYTES)));
      this.#length = 0;
    }
    this.#length += piece.write(line, this.#length, "latin1");
    return line;
  }

  text(): string {
    return this.#pieces
      .map((piece, index) => piece.toString("latin1", 0, index === this.#pieces.length - 1 ? this.#length : undefined))
      .join("");
  }
}
