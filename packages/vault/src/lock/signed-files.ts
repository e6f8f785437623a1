import { VaultError } from "../errors.js";
import { entriesOf, type FileEntry, type FileSource } from "../format/file-source.js";
import { CONFIG_FILE, SIGNERS_FOLDER, VERSIONS_FOLDER } from "../format/layout.js";
import { signedFilesIn } from "./added-files.js";
import { digestOf, treeDigest, treeList, type Digest } from "./digest.js";
import type { Lock } from "./lock.js";
import { ADDED, digestOfFile, isSigned, treeOf, type Summary } from "./file-digests.js";
import { listTree, listTrees } from "./tree-lists.js";
import { digestInList, type TreeListCache } from "./tree-list-cache.js";
import { andMore } from "../text/counts.js";

export { digestOfFile, isAdded, isSigned, treeOf, type Summary } from "./file-digests.js";

/** The digests of a vault's files, of all or of some, by their path, as they are now. Strays are in no one's name, and links are no files. */
export function digestsIn(source: FileSource, entries: Iterable<FileEntry> = entriesOf(source)): Map<string, Digest> {
  const digests = new Map<string, Digest>();
  for (const { file, kind } of entries) {
    if (kind !== "file" || !isSigned(file)) continue;
    const digest = digestOfFile(source, file);
    if (digest) digests.set(file, digest);
  }
  return digests;
}

/** What is signed of a set of files, by their digests. */
export function summarize(digests: ReadonlyMap<string, Digest>): Summary {
  const files = new Map<string, Digest>();
  const added = new Map<string, Digest>();
  const inside = new Map<string, Map<string, Digest>>();
  for (const [file, digest] of digests) {
    const tree = treeOf(file);
    if (tree === undefined) (ADDED.has(file) ? added : files).set(file, digest);
    else {
      let entries = inside.get(tree);
      if (!entries) inside.set(tree, (entries = new Map()));
      entries.set(file.slice(tree.length + 1), digest);
    }
  }
  const trees = new Map<string, Digest>();
  for (const [tree, entries] of inside) (ADDED.has(tree) ? added : trees).set(tree, treeDigest(entries));
  return { files, trees, added: new Map([...added].toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

/** How a vault's files are held to its lock. */
export interface SignedFilesOptions {
  /** Whether they are what a remote offers, and not what lies in the work tree. */
  readonly offered?: boolean;
  /** Lists of large folders from earlier reads. */
  readonly lists?: TreeListCache;
  /** What is in some folders, by lists whose digests are the signed ones: these are not looked through. */
  readonly trees?: ReadonlyMap<string, ReadonlyMap<string, Digest>>;
}

/**
 * Holds the bytes of a vault's files to what its lock says of them. A folder is looked through when the first of its files is asked
 * for, where no list of it is available, and nothing else is: a read costs what its group costs.
 */
export class SignedFiles {
  readonly lock: Lock;
  readonly #source: FileSource;
  readonly #offered: boolean;
  readonly #lists: TreeListCache | undefined;
  /** All files, once all were looked at. */
  #present: ReadonlyMap<string, Digest> | undefined;
  readonly #trees: Map<string, ReadonlyMap<string, Digest>>;
  #added: ReadonlyMap<string, Digest> | undefined;
  readonly #lookups = new Map<string, (file: string) => Digest | undefined>();

  constructor(lock: Lock, source: FileSource, { offered = false, lists, trees = new Map() }: SignedFilesOptions = {}) {
    this.lock = lock;
    this.#source = source;
    this.#offered = offered;
    this.#lists = lists;
    this.#trees = new Map(trees);
  }

  /** @param bytes what was just read, or `undefined` for no such file. @throws VaultError `TAMPERED` */
  require(file: string, bytes: Uint8Array | undefined): void {
    if (!isSigned(file)) return;
    const tree = treeOf(file);
    const expected = tree === undefined ? this.#entry(this.lock.files, file) : this.#digestIn(tree, file);
    if ((bytes && digestOf(bytes)) !== expected) throw this.#tampered([file]);
  }

  /** Whether the lock vouches for a file, which is not read. @throws VaultError `TAMPERED` where its folder is not what was signed */
  covers(file: string): boolean {
    const tree = treeOf(file);
    return (tree === undefined ? this.#entry(this.lock.files, file) : this.#digestIn(tree, file)) !== undefined;
  }

  /** The list of a signed folder's files, lines of `SHA256␠␠PATH`: its digest is in the lock. @throws VaultError `TAMPERED` */
  listOf(tree: string): string {
    const digest = this.#entry(this.lock.trees, tree);
    const list = digest && this.#lists?.read(tree, digest);
    return list ?? treeList(new Map([...this.#digests(tree)].map(([file, of]) => [file.slice(tree.length + 1), of])));
  }

  /** The files of the vault that the lock vouches for, each with its digest. @throws VaultError `TAMPERED` where any file differs */
  requireAll(): ReadonlyMap<string, Digest> {
    if (this.fixed) return this.fixed;
    const present = listTrees(this.#source);
    const added = present.files.get(CONFIG_FILE) === this.lock.files.get(CONFIG_FILE) ? this.#addedEntries() : undefined;
    const differing = [...differingFrom(this.lock, added, present), ...present.nested];
    if (differing.length > 0) throw this.#tampered(differing);
    this.#present = present.digests();
    this.#source.noteVerified?.(this.#present);
    return this.#present;
  }

  /** The digests of all files that were found to be as they were signed, where nothing can change them any more. */
  get fixed(): ReadonlyMap<string, Digest> | undefined {
    return this.#source.isFixed ? this.#present : undefined;
  }

  /** The files below a folder such as `secrets`, by the lock. @throws VaultError `TAMPERED` */
  filesBelow(folder: string): string[] {
    const below = this.#present ? [...this.#present.keys()].filter((file) => file.startsWith(`${folder}/`)) : this.#lookThrough(folder);
    return below.toSorted((a, b) => (a < b ? -1 : 1));
  }

  #lookThrough(folder: string): string[] {
    const inside = (tree: string) => tree === folder || tree.startsWith(`${folder}/`);
    const trees = new Set([...this.lock.trees.keys(), ...(ADDED.has(folder) ? this.#addedEntries().keys() : [])].filter(inside));
    for (const { file, kind } of entriesOf(this.#source, folder)) {
      const tree = treeOf(file);
      if (kind === "file" && isSigned(file) && tree !== undefined && inside(tree)) trees.add(tree);
    }
    return [...trees].flatMap((tree) => [...this.#digests(tree).keys()]);
  }

  #digestIn(tree: string, file: string): Digest | undefined {
    if (this.#present) return this.#present.get(file);
    let lookup = this.#lookups.get(tree);
    if (!lookup) this.#lookups.set(tree, (lookup = this.#lookupIn(tree)));
    return lookup(file);
  }

  #lookupIn(tree: string): (file: string) => Digest | undefined {
    const digest = this.#entry(this.lock.trees, tree);
    const list = digest && this.#lists?.read(tree, digest);
    if (list !== undefined) return (file) => digestInList(list, file.slice(tree.length + 1));
    const digests = this.#digests(tree);
    return (file) => digests.get(file);
  }

  /** The digests of a signed folder's files, by path: of `secrets/GROUP`, for one. @throws VaultError `TAMPERED` */
  digestsOf(tree: string): ReadonlyMap<string, Digest> {
    return this.#digests(tree);
  }

  #digests(tree: string): ReadonlyMap<string, Digest> {
    const known = this.#trees.get(tree);
    if (known) return known;
    if (this.fixed) return new Map([...this.fixed].filter(([file]) => treeOf(file) === tree));
    // No more of it is held than its list before that is known to be signed: anybody who can push may have made the files.
    const list = listTree(this.#source, tree);
    if (list?.digest !== this.#entry(this.lock.trees, tree)) throw this.#tampered([`${tree}/`]);
    const digests = list?.digests() ?? new Map<string, Digest>();
    if (list) this.#lists?.keep(tree, list.text(), digests.size);
    this.#trees.set(tree, digests);
    return digests;
  }

  /** What is signed of a file at the vault's top, or of a folder. */
  #entry(ofLock: ReadonlyMap<string, Digest>, name: string): Digest | undefined {
    return (ADDED.has(name) ? this.#addedEntries() : ofLock).get(name);
  }

  /** @throws VaultError `TAMPERED`, `INVALID_CONFIG` */
  #addedEntries(): ReadonlyMap<string, Digest> {
    this.#added ??= addedBy(this.lock, this.#source.read(CONFIG_FILE));
    if (!this.#added) throw this.#tampered([CONFIG_FILE]);
    return this.#added;
  }

  /** @param what files, and folders with a slash at their end */
  #tampered(what: readonly string[]): VaultError {
    if (!this.#offered) return tampered(what, this.#source);
    return new VaultError("TAMPERED", `What the remote offers is not what the vault's owner signed: ${andMore(what, 5)}.`, {
      remedy: "Nothing was taken over. See who changed it (git log @{upstream}), and have an owner put it right.",
    });
  }
}

/**
 * The digests of the added files and folders that a state vouches for.
 * @param config the bytes of `config.yaml`
 * @returns `undefined` where these are not what was signed
 * @throws VaultError `INVALID_CONFIG`
 */
export function addedBy(lock: Lock, config: Uint8Array | undefined): ReadonlyMap<string, Digest> | undefined {
  if ((config && digestOf(config)) !== lock.files.get(CONFIG_FILE)) return undefined;
  return config ? signedFilesIn(config) : new Map();
}

/**
 * Files and folders that are not as a state says, folders with a slash at their end.
 * @param added what it says of added files, from {@link addedBy}; they are left out where that is not known
 */
export function differingFrom(lock: Lock, added: ReadonlyMap<string, Digest> | undefined, now: Summary): string[] {
  const compare = (a: ReadonlyMap<string, Digest>, b: ReadonlyMap<string, Digest>) =>
    [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
  const files = compare(lock.files, now.files);
  const trees = compare(lock.trees, now.trees).map((tree) => `${tree}/`);
  // A name that a later version has added is a stray file for this one.
  const others = added ? compare(added, now.added).filter((name) => ADDED.has(name)) : [];
  return [...files, ...trees, ...others.map((name) => (isAddedFolder(name) ? `${name}/` : name))];
}

/**
 * @param what files, and folders with a slash at their end, that lie in the work tree
 * @param source where they lie: a merge that was committed half-way is no attack, and is said first
 */
export function tampered(what: readonly string[], source?: FileSource): VaultError {
  const conflicted = source && what.find((file) => /\.(?:yaml|meta)$/.test(file) && hasConflictMarkers(source, file));
  if (conflicted !== undefined) {
    return new VaultError("TAMPERED", `${conflicted} holds the conflict markers of a merge, which was committed without being finished.`, {
      remedy:
        "Go back to the commit before that merge (git log, then git reset --keep COMMIT) and run agent-vault sync, which merges both sides. Where the merge is pushed already, restore what one side signed (git checkout COMMIT -- .agent-vault) and make the other side's change again.",
    });
  }
  return new VaultError("TAMPERED", `What lies in the vault is not what its owner signed: ${andMore(what, 5)}.`, {
    remedy:
      "If an owner made this change, they sign it: agent-vault sign. Otherwise do not use the vault: see who changed it (git status, git log), restore what was signed (git checkout COMMIT -- .agent-vault), and delete files that were added.",
  });
}

function hasConflictMarkers(source: FileSource, file: string): boolean {
  try {
    return /^(?:<{7}|>{7}) /m.test(Buffer.from(source.read(file) ?? "").toString("latin1"));
  } catch (error) {
    if (error instanceof VaultError) return false;
    throw error;
  }
}

function isAddedFolder(name: string): boolean {
  return name === SIGNERS_FOLDER || name === VERSIONS_FOLDER;
}
