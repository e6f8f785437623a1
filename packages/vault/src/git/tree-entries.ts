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

/**
 * Lists a tree with the sizes of its files, and reads none.
 * @param tree a tree, or a revision whose tree it is
 * @throws GitError `tooMuchOutput`, `other` where there is no such tree
 */
export function listTreeSync(
  repository: GitRepository,
  tree: string,
  { recursive, paths, prefix = "", maxBytes }: TreeListing,
): TreeEntry[] {
  const options = ["-l", "-z", "--full-tree", ...(recursive ? ["-r"] : []), ...(paths ? ["-t"] : [])];
  const listing = repository.runSync(["ls-tree", ...options, tree, ...(paths ? ["--", ...paths] : [])], { maxBytes });
  const entries: TreeEntry[] = [];
  for (let start = 0, end = listing.indexOf(0); end >= 0; start = end + 1, end = listing.indexOf(0, start)) {
    const tab = listing.indexOf("\t", start);
    const [mode = "", , id = "", size = ""] = listing.toString("latin1", start, tab).split(/ +/);
    const kind = kindOf(mode);
    entries.push({ path: prefix + listing.toString("utf8", tab + 1, end), kind, id, size: /^\d+$/.test(size) ? Number(size) : undefined });
  }
  return entries;
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
