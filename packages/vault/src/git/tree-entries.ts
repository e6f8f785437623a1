import type { GitRepository } from "./repository.js";

/** An entry of a tree. */
export interface TreeEntry {
  /** Relative to the tree, after the prefix that was asked for. */
  readonly path: string;
  readonly kind: "file" | "link" | "tree" | "other";
  readonly id: string;
  /** Of a file, in bytes; `undefined` where the repository does not hold it. */
  readonly size: number | undefined;
}

/** How a tree is listed. */
export interface TreeListing {
  /** All below it, without the trees themselves. */
  readonly recursive?: boolean;
  /** These paths alone, with the trees on the way to them. A slash at the end asks for what is in a tree. */
  readonly paths?: readonly string[];
  /** Goes before each path. */
  readonly prefix?: string;
  /** More bytes of a listing than these are not read. */
  readonly maxBytes: number;
}

const TAB = 9;
/** A mode, a type, an id and a size that is filled up to seven characters, before the tab. */
const SHORTEST_ENTRY = "100644 blob ".length + 40 + " 1234567".length;

/**
 * The entries of a tree, sorted by the bytes of their paths. They stay as git listed them until one is asked for: anybody may have made
 * the tree, and as objects its entries would take several times the memory.
 */
export class TreeEntries implements Iterable<TreeEntry> {
  readonly #listing: Buffer;
  /** Where each entry begins in the listing. */
  readonly #starts: Uint32Array;
  readonly #prefix: string;
  /** How many bytes are cut off each path. */
  readonly #cut: number;
  /** After the entry that was found last: most are asked for one after the other. */
  #next = 0;

  private constructor(listing: Buffer, starts: Uint32Array, prefix: string, cut = 0) {
    this.#listing = listing;
    this.#starts = starts;
    this.#prefix = prefix;
    this.#cut = cut;
  }

  /** @param listing as `git ls-tree -l -z` prints it */
  static parse(listing: Buffer, prefix: string): TreeEntries {
    let count = 0;
    for (let end = listing.indexOf(0); end >= 0; end = listing.indexOf(0, end + 1)) count++;
    const starts = new Uint32Array(count);
    for (let index = 0, start = 0; index < count; index++, start = listing.indexOf(0, start) + 1) starts[index] = start;
    const entries = new TreeEntries(listing, starts, prefix);
    // git sorts a tree and so its listing; a tree that is made by hand need not be.
    for (let index = 1; index < count; index++) {
      if (entries.#compare(starts[index - 1]!, starts[index]!) <= 0) continue;
      starts.sort((a, b) => entries.#compare(a, b));
      break;
    }
    return entries;
  }

  get length(): number {
    return this.#starts.length;
  }

  at(index: number): TreeEntry | undefined {
    const start = this.#starts[index];
    if (start === undefined) return undefined;
    const [mode = "", , id = "", size = ""] = this.#listing.toString("latin1", start, this.#tabFrom(start)).split(/ +/);
    return { path: this.#pathAt(start), kind: kindOf(mode), id, size: /^\d+$/.test(size) ? Number(size) : undefined };
  }

  get(path: string): TreeEntry | undefined {
    const index = this.#indexOf(path);
    return index === undefined ? undefined : this.at(index);
  }

  /** Whether another tree has the same object at a path, and so a file of the same bytes. */
  hasSame(path: string, other: TreeEntries): boolean {
    const [index, otherIndex] = [this.#indexOf(path), other.#indexOf(path)];
    if (index === undefined || otherIndex === undefined) return false;
    const [from, otherFrom] = [this.#starts[index]!, other.#starts[otherIndex]!];
    return this.#listing.compare(other.#listing, otherFrom, other.#tabFrom(otherFrom), from, this.#tabFrom(from)) === 0;
  }

  /** Where a path is, or would be. */
  indexOf(path: string): number {
    if (!path.startsWith(this.#prefix)) return path < this.#prefix ? 0 : this.#starts.length;
    return this.#search(Buffer.from(path.slice(this.#prefix.length)));
  }

  /** Where a path is. */
  #indexOf(path: string): number | undefined {
    if (!path.startsWith(this.#prefix)) return undefined;
    const wanted = Buffer.from(path.slice(this.#prefix.length));
    const isAt = (index: number) => index < this.#starts.length && this.#compareTo(wanted, index) === 0;
    const index = isAt(this.#next) ? this.#next : this.#search(wanted);
    if (!isAt(index)) return undefined;
    this.#next = index + 1;
    return index;
  }

  #search(wanted: Uint8Array): number {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compareTo(wanted, middle) > 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether a path is before an entry's (negative), after it, or the same. A call into `Buffer` for each would take longer than the bytes do. */
  #compareTo(wanted: Uint8Array, entry: number): number {
    const listing = this.#listing;
    let at = this.#pathFrom(this.#starts[entry]!);
    for (let index = 0; index < wanted.length; index++, at++) {
      if (listing[at] === 0) return 1;
      const difference = wanted[index]! - listing[at]!;
      if (difference !== 0) return difference;
    }
    return listing[at] === 0 ? 0 : -1;
  }

  /** Some of the entries. */
  range(from: number, to: number): TreeEntries {
    return new TreeEntries(this.#listing, this.#starts.subarray(from, Math.max(from, to)), this.#prefix, this.#cut);
  }

  /** What is below a folder, by its path there. */
  below(folder: string): TreeEntries {
    // "0" is the character after "/".
    const inside = this.range(this.indexOf(`${folder}/`), this.indexOf(`${folder}0`));
    return new TreeEntries(this.#listing, inside.#starts, this.#prefix, this.#cut + Buffer.byteLength(folder) + 1);
  }

  *[Symbol.iterator](): Generator<TreeEntry> {
    for (let index = 0; index < this.#starts.length; index++) yield this.at(index)!;
  }

  #pathAt(start: number): string {
    return this.#prefix + this.#listing.toString("utf8", this.#pathFrom(start), this.#endOf(start));
  }

  #pathFrom(start: number): number {
    return this.#tabFrom(start) + 1 + this.#cut;
  }

  /** Where an entry's path is separated from what is said of it. */
  #tabFrom(start: number): number {
    let at = start + SHORTEST_ENTRY;
    while (at < this.#listing.length && this.#listing[at] !== TAB) at++;
    return at;
  }

  #endOf(start: number): number {
    return this.#listing.indexOf(0, start);
  }

  #compare(a: number, b: number): number {
    return this.#listing.compare(this.#listing, this.#pathFrom(b), this.#endOf(b), this.#pathFrom(a), this.#endOf(a));
  }
}

/**
 * Lists a tree with the sizes of its files, and reads none.
 * @param tree a tree, or a revision whose tree it is
 * @throws GitError `tooMuchOutput`, `other` where there is no such tree
 */
export function listTreeSync(
  repository: GitRepository,
  tree: string,
  { recursive, paths, prefix = "", maxBytes }: TreeListing,
): TreeEntries {
  const options = ["-l", "-z", "--full-tree", ...(recursive ? ["-r"] : []), ...(paths ? ["-t"] : [])];
  return TreeEntries.parse(repository.runSync(["ls-tree", ...options, tree, ...(paths ? ["--", ...paths] : [])], { maxBytes }), prefix);
}

/**
 * The paths of a whole tree that end so. Nothing but trees is read, so that a clone that holds no files yet fetches none.
 * @param maxBytes more bytes of a listing than these are not read
 * @throws GitError `tooMuchOutput`
 */
export function findInTreeSync(repository: GitRepository, tree: string, ending: string, maxBytes: number): string[] {
  const listing = repository.runSync(["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree], { maxBytes });
  const wanted = Buffer.from(`${ending}\0`);
  const paths: string[] = [];
  for (let at = listing.indexOf(wanted); at >= 0; at = listing.indexOf(wanted, at + 1)) {
    const start = at === 0 ? 0 : listing.lastIndexOf(0, at - 1) + 1;
    paths.push(listing.toString("utf8", start, at + wanted.length - 1));
  }
  return paths;
}

function kindOf(mode: string): TreeEntry["kind"] {
  if (mode.startsWith("100")) return "file";
  return mode === "120000" ? "link" : mode === "040000" ? "tree" : "other";
}
