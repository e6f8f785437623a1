import { dirname } from "node:path";
import { CommitFiles } from "../files/commit-files.js";
import { maxBytesOf } from "../files/limits.js";
import type { Context } from "../context.js";
import type { VaultError } from "../errors.js";
import { GitRepository } from "../git/repository.js";
import { CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { VaultFiles } from "../files/vault-files.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { openLock, type SignedLock } from "../lock/open-lock.js";
import type { Lock } from "../lock/lock.js";
import { listTrees } from "../lock/tree-lists.js";
import { entriesOf, type FileSource } from "../format/file-source.js";
import { addedBy, differingFrom, digestsIn, isAdded, summarize, tampered, treeOf } from "../lock/signed-files.js";

/** A file that is not as its vault's owner signed it. */
export interface DifferingFile {
  /** Relative to the vault's folder; a folder, with a slash at its end, where nothing tells which of its files it is. */
  readonly file: string;
  readonly how: "changed" | "added" | "removed" | "unknown";
}

/** How many commits that hold a lock are looked at: its owner's own is the first of them, and copies come later. */
const MAX_COMMITS = 3;

/**
 * The very files that are not as a lock says. A lock has one digest for a folder, so they are compared with the commit in git's
 * history that holds the state that was signed, where the clone goes back so far.
 * @param present the digests of the vault's files as they are
 * @param config the bytes of `config.yaml`, which lists what the lock does not
 * @param revision a commit to look behind, beside all branches and HEAD
 */
export async function differingFiles(
  context: Context,
  root: string,
  { lock, digest }: SignedLock,
  present: ReadonlyMap<string, Digest>,
  config: Uint8Array | undefined,
  revision = "HEAD",
): Promise<DifferingFile[]> {
  const added = addedBy(lock, config);
  const signedFiles = new Map([...(added ?? []), ...lock.files]);
  const signedTrees = new Map([...(added ?? []), ...lock.trees]);
  const names = differingFrom(lock, added, summarize(present));
  const trees = new Map<string, ReadonlyMap<string, Digest> | undefined>(
    names.filter((name) => name.endsWith("/")).map((name) => [name.slice(0, -1), undefined]),
  );
  if (trees.size > 0) {
    for await (const digests of statesWith(context, root, digest, revision)) {
      const summary = summarize(digests);
      const treesThen = new Map([...summary.added, ...summary.trees]);
      for (const [tree, known] of trees) if (!known && treesThen.get(tree) === signedTrees.get(tree)) trees.set(tree, digests);
      if ([...trees.values()].every(Boolean)) break;
    }
  }
  return names.flatMap((name): DifferingFile[] => {
    if (!name.endsWith("/")) return compare([name], signedFiles, present);
    const tree = name.slice(0, -1);
    const signed = trees.get(tree);
    if (!signed) return [{ file: name, how: "unknown" }];
    return compare(
      [...signed.keys(), ...present.keys()].filter((file) => treeOf(file) === tree),
      signed,
      present,
    );
  });
}

/** No more are named: what anybody can push is not worth the memory. */
export const MAX_NAMED = 1000;

/** Files that are too many to be named, and to be looked at one by one. */
export interface TooManyDiffering {
  /** Some of them, and folders with a slash at their end. */
  readonly named: readonly DifferingFile[];
  /** How many more there are beside those. */
  readonly more: number;
}

/**
 * What differs where that is more than anybody would read, by folders: without a look at each file. A vault that its owner signed may be as
 * large, and is none of these.
 * @returns `undefined` where the files can be named
 * @throws VaultError `INVALID_CONFIG`, as {@link differingFiles}
 */
export async function tooManyDiffering(
  context: Context,
  root: string,
  { lock, digest }: SignedLock,
  source: FileSource,
  revision = "HEAD",
): Promise<TooManyDiffering | undefined> {
  const { total, large, unsigned, unsignedCount } = countEntries(source, lock);
  if (total <= MAX_NAMED) return undefined;
  if (unsignedCount > MAX_NAMED)
    return { named: unsigned.map((file) => ({ file, how: "added" as const })), more: unsignedCount - unsigned.length };
  const present = listTrees(source);
  const names = differingFrom(lock, addedBy(lock, source.read(CONFIG_FILE)), present);
  const differing = new Map([...large].filter(([tree]) => names.includes(`${tree}/`)));
  const excess = differing.size > 0 ? await excessOf(context, root, lock, digest, differing, revision) : 0;
  if (names.length <= MAX_NAMED && excess <= MAX_NAMED) return undefined;
  const isSigned = (name: string) => lock.trees.has(name.slice(0, -1)) || lock.files.has(name);
  const isPresent = (name: string) => present.trees.has(name.slice(0, -1)) || present.files.has(name);
  const how = (name: string) => (!isSigned(name) ? "added" : isPresent(name) ? "changed" : "removed");
  return {
    named: names.slice(0, MAX_NAMED).map((file) => ({ file, how: how(file) })),
    more: Math.max(0, names.length - MAX_NAMED),
  };
}

/** By how many files folders are larger than they were signed; by all of them where git's history does not tell. */
async function excessOf(
  context: Context,
  root: string,
  lock: Lock,
  digest: Digest,
  counts: ReadonlyMap<string, number>,
  revision: string,
): Promise<number> {
  const signed = new Map<string, number>();
  for await (const digests of statesWith(context, root, digest, revision)) {
    const { trees: then, added } = summarize(digests);
    for (const tree of counts.keys()) {
      if ((then.get(tree) ?? added.get(tree)) !== lock.trees.get(tree)) continue;
      signed.set(tree, [...digests.keys()].filter((file) => treeOf(file) === tree).length);
    }
    if (signed.size === counts.size) break;
  }
  return [...counts].reduce((sum, [tree, count]) => sum + Math.max(0, count - (signed.get(tree) ?? 0)), 0);
}

/** What a vault has, counted one entry after the other: as a list of all, they might not fit into memory. */
interface EntryCounts {
  readonly total: number;
  /** Folders with more files than are named, with how many. */
  readonly large: ReadonlyMap<string, number>;
  /** Some of the folders, with a slash at their end, that the lock does not list, and how many there are. */
  readonly unsigned: readonly string[];
  readonly unsignedCount: number;
}

/** Entries are sorted, so those of one folder follow one another. */
function countEntries(source: FileSource, lock: Lock): EntryCounts {
  const large = new Map<string, number>();
  const unsigned: string[] = [];
  let [total, unsignedCount, inTree, current] = [0, 0, 0, ""];
  for (const { file } of entriesOf(source)) {
    const tree = treeOf(file) ?? "";
    total += 1;
    inTree = tree === current ? inTree + 1 : 1;
    if (tree !== current && tree !== "" && !lock.trees.has(tree) && !isAdded(file)) {
      unsignedCount += 1;
      if (unsigned.length < MAX_NAMED) unsigned.push(`${tree}/`);
    }
    current = tree;
    if (tree !== "" && inTree > MAX_NAMED) large.set(tree, inTree);
  }
  return { total, large, unsigned, unsignedCount };
}

/** The error of a work tree with files that are not what was signed, with their names instead of their folders'. */
export async function nameFiles(context: Context, root: string, error: VaultError): Promise<VaultError> {
  const files = new VaultFiles(root);
  const signed = openLock(files.read(LOCK_FILE)!, files.read(LOCK_SIGNATURE_FILE)!);
  const differing = await differingFiles(context, root, signed, digestsIn(files.source), files.read(CONFIG_FILE));
  return differing.length > 0
    ? tampered(
        differing.map(({ file }) => file),
        files.source,
      )
    : error;
}

/** The digests of the files of commits that brought a lock, the oldest first. */
async function* statesWith(context: Context, root: string, lock: Digest, revision: string): AsyncGenerator<Map<string, Digest>> {
  const repository = await GitRepository.findIfAny(context, dirname(root));
  if (!repository) return;
  const path = `${repository.pathOf(root)}/${LOCK_FILE}`;
  const list = await repository.try(["rev-list", "--full-history", "--reverse", "--all", revision, "--", `:(top,literal)${path}`]);
  const commits = (list ?? "").split("\n").filter(Boolean);
  const locks = await repository.contents(
    commits.map((commit) => `${commit}:${path}`),
    maxBytesOf(LOCK_FILE),
  );
  const holding = commits.filter((_, index) => locks[index] && digestOf(locks[index]) === lock);
  for (const commit of holding.slice(0, MAX_COMMITS)) yield digestsIn(CommitFiles.open(repository, commit, root));
}

function compare(files: readonly string[], signed: ReadonlyMap<string, Digest>, present: ReadonlyMap<string, Digest>): DifferingFile[] {
  return [...new Set(files)]
    .filter((file) => signed.get(file) !== present.get(file))
    .map((file) => ({ file, how: !signed.has(file) ? "added" : present.has(file) ? "changed" : "removed" }));
}
