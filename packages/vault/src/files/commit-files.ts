import { VaultError } from "../errors.js";
import type { FileEntry, FileSource } from "../format/file-source.js";
import { classify } from "../format/layout.js";
import { isGitError } from "../git/errors.js";
import { missingObject, readBlobsSync, streamBlobSync, type SizedBlob } from "../git/objects-sync.js";
import { listTreeSync, type TreeEntries, type TreeEntry, type TreeListing } from "../git/tree-entries.js";
import type { GitRepository } from "../git/repository.js";
import type { Digest } from "../lock/digest.js";
import { MAX_LISTING_BYTES, maxBytesOf, requireDepth, requireEntries, requireSize, tooManyEntries } from "./limits.js";
import { linkInVault } from "./vault-folder.js";

/** How much is read ahead, in bytes and files, where one file after the other is asked for. */
const MAX_AHEAD_BYTES = 4 * 1024 * 1024;
const MAX_AHEAD_FILES = 4096;
/** Passing over this many is still quicker than a process for each file. */
const MAX_PASSED_OVER = 512;
/** Larger files are given piece by piece where nobody needs them whole. */
const MAX_HELD_BYTES = 1024 * 1024;

/** Of each repository the commit that was verified last, with the digests of its files: an object has the same bytes in every commit. */
const verified = new WeakMap<GitRepository, { readonly files: CommitFiles; readonly digests: ReadonlyMap<string, Digest> }>();

/**
 * A vault's files as one commit holds them. Only what is asked for is listed and read, no file before its size is known, and none that is
 * larger than such a file can be: the commit may be anybody's.
 */
export class CommitFiles implements FileSource {
  readonly root: string;
  readonly isFixed = true;
  readonly #repository: GitRepository;
  /** The id of the vault's tree. */
  readonly #tree: string;
  /** What is directly in the vault's folder. */
  readonly #top: TreeEntries;
  /** All files below folders that were walked, sorted. */
  readonly #walked = new Map<string, TreeEntries>();
  /** Entries that were asked for one by one. */
  readonly #single = new Map<string, TreeEntry | undefined>();
  /** The last folder that was found to be one, and no link, with all around it. */
  #realFolder = "";
  /** Contents that were read and not asked for yet. */
  #held: ReadonlyMap<string, Uint8Array> = new Map();
  #preloaded: ReadonlyMap<string, Uint8Array> = new Map();
  #differing: { readonly like: CommitFiles; readonly walked: TreeEntries; readonly entries: readonly TreeEntry[] } | undefined;
  /** Up to where files were read in their order, and how many the last time. */
  #order: { readonly entries: TreeEntries | undefined; readonly end: number; readonly ahead: number } = {
    entries: undefined,
    end: 0,
    ahead: 1,
  };

  private constructor(root: string, repository: GitRepository, tree: string, top: TreeEntries) {
    this.root = root;
    this.#repository = repository;
    this.#tree = tree;
    this.#top = top;
  }

  /**
   * @param root the vault's folder in the work tree
   * @throws VaultError `VAULT_NOT_FOUND` where the commit holds no vault there, `GIT_FAILED` for an unknown revision, `TAMPERED`
   */
  static open(repository: GitRepository, revision: string, root: string): CommitFiles {
    const folder = repository.pathOf(root);
    const entries = list(repository, revision, "", { paths: [`${folder}/`] });
    const tree = entries.get(folder);
    if (tree?.kind !== "tree")
      throw new VaultError("VAULT_NOT_FOUND", `${revision} holds no vault in ${folder}/.`, { remedy: "Name another commit." });
    return new CommitFiles(root, repository, tree.id, entries.below(folder));
  }

  /** The id of the vault's tree object. */
  get tree(): string {
    return this.#tree;
  }

  /** @throws VaultError `LINK_IN_VAULT`, `TAMPERED` where it is larger than such a file can be */
  read(file: string, maxBytes = Infinity): Uint8Array | undefined {
    const blob = this.#blobOf(file);
    if (!blob) return undefined;
    const bytes = this.#preloaded.get(file) ?? this.#held.get(file) ?? this.#readAhead(file, blob);
    return bytes.length > maxBytes ? bytes.subarray(0, maxBytes) : bytes;
  }

  /** Gives a file's bytes piece by piece, so that a large one is never whole in memory. @throws VaultError as `read` */
  readInPieces(file: string, take: (piece: Uint8Array) => void): boolean {
    const blob = this.#blobOf(file);
    if (!blob) return false;
    if (blob.size > MAX_HELD_BYTES) {
      this.#following(file);
      streamBlobSync(this.#repository, blob, take);
    } else take(this.read(file)!);
    return true;
  }

  knownDigest(file: string): Digest | undefined {
    this.#requireRealFolders(file);
    return this.#isAsVerified(file) ? verified.get(this.#repository)?.digests.get(file) : undefined;
  }

  noteVerified(digests: ReadonlyMap<string, Digest>): void {
    verified.set(this.#repository, { files: this, digests });
  }

  #isAsVerified(file: string): boolean {
    const like = verified.get(this.#repository)?.files;
    const [own, others] = [this.#walkedAround(file), like && like.#walkedAround(file)];
    return own !== undefined && others !== undefined && own !== others && own.hasSame(file, others);
  }

  /** All entries below a folder, sorted. @throws VaultError `LINK_IN_VAULT`, `TAMPERED` where there are more than a vault has */
  walk(folder = ""): FileEntry[] {
    return [...this.entries(folder)];
  }

  /** As `walk`, one after the other. */
  *entries(folder = ""): Generator<FileEntry> {
    for (const { path, kind } of this.#below(folder)) if (kind !== "tree") yield { file: path, kind };
  }

  /** Reads files that are known to be needed, all in one process. @throws VaultError as `read` */
  preload(files: readonly string[]): void {
    this.#ask(files);
    this.#preloaded = this.#readAtOnce(files.flatMap((file) => this.#known(file) ?? []));
  }

  #blobOf(file: string): SizedBlob | undefined {
    const entry = this.#find(file);
    if (entry?.kind !== "file") return undefined;
    const { id, size } = entry;
    if (size === undefined) throw missingObject();
    requireSize(file, size);
    return { id, size };
  }

  /** The entry at a path, by way of real folders. @throws VaultError `LINK_IN_VAULT` */
  #find(path: string): TreeEntry | undefined {
    this.#requireRealFolders(path);
    const entry = this.#known(path);
    if (entry?.kind === "link") throw linkInVault(path);
    return entry;
  }

  #requireRealFolders(path: string): void {
    const end = path.lastIndexOf("/");
    if (end < 0) return;
    if (!this.#walkedAround(path)) this.#ask([path]);
    if (this.#realFolder.length === end && path.startsWith(this.#realFolder)) return;
    if (foldersOf(path).some((folder) => this.#known(folder)?.kind === "link")) throw linkInVault(path);
    this.#realFolder = path.slice(0, end);
  }

  /** The entry at a path that was asked for, or is in a folder that was walked. */
  #known(path: string): TreeEntry | undefined {
    if (!path.includes("/")) return this.#top.get(path);
    const walked = this.#walkedAround(path);
    return walked ? walked.get(path) : this.#single.get(path);
  }

  #walkedAround(path: string): TreeEntries | undefined {
    for (const [folder, walked] of this.#walked)
      if (folder === "" || (path.startsWith(folder) && path[folder.length] === "/")) return walked;
    return undefined;
  }

  /** Looks entries up one by one, with the folders on the way to them. */
  #ask(paths: readonly string[]): void {
    const unknown = paths.filter((path) => path.includes("/") && !this.#walkedAround(path) && !this.#single.has(path));
    if (unknown.length === 0) return;
    const parts = new Set(unknown.flatMap((path) => [...foldersOf(path), path]));
    const found = list(this.#repository, this.#tree, foldersOf(unknown[0]!)[0]!, { paths: [...parts] });
    for (const part of parts) this.#single.set(part, undefined);
    for (const entry of found) if (parts.has(entry.path)) this.#single.set(entry.path, entry);
  }

  #below(folder: string): Iterable<TreeEntry> {
    const walked = this.#walked.get(folder) ?? this.#walkedAround(`${folder}/`);
    if (walked) {
      // "0" is the character after "/".
      return folder === "" ? walked : walked.range(walked.indexOf(`${folder}/`), walked.indexOf(`${folder}0`));
    }
    const tree = folder === "" ? this.#tree : this.#treeOf(folder);
    const prefix = folder === "" ? "" : `${folder}/`;
    if (tree === undefined) return [];
    const entries = list(this.#repository, tree, folder, { recursive: true, prefix });
    this.#walked.set(folder, entries);
    return entries;
  }

  #treeOf(folder: string): string | undefined {
    const entry = this.#find(folder);
    return entry?.kind === "tree" ? entry.id : undefined;
  }

  /** Reads a file, and with it what is likely to be asked for next. */
  #readAhead(file: string, blob: SizedBlob): Uint8Array {
    if (blob.size > MAX_HELD_BYTES) return this.#readLarge(file, blob);
    const next = file.includes("/") ? this.#following(file) : [...this.#top.range(0, MAX_AHEAD_FILES)].filter(({ path }) => belongs(path));
    // In place of those that were kept before.
    this.#held = this.#readAtOnce([{ path: file, kind: "file", ...blob }, ...next]);
    return this.#held.get(file)!;
  }

  #readLarge(file: string, blob: SizedBlob): Uint8Array {
    this.#following(file);
    const bytes = new Uint8Array(blob.size);
    let offset = 0;
    streamBlobSync(this.#repository, blob, (piece) => {
      bytes.set(piece, offset);
      offset += piece.length;
    });
    return bytes;
  }

  /** The files after this one, more of them each time, where one after the other is read. */
  #following(file: string): TreeEntry[] {
    const walked = this.#walkedAround(file);
    if (!walked) return [];
    const index = walked.indexOf(file);
    // One who asks for a file that another commit does not have asks for the others as well.
    const differing = this.#differingAround(walked);
    if (differing && !this.#isAsVerified(file)) return differing.filter(({ path }) => path > file);
    const { entries, end, ahead } = this.#order;
    // Some are passed over, such as files that belong in no vault.
    const isInOrder = entries === walked && index >= end && index < end + MAX_PASSED_OVER;
    const count = isInOrder ? Math.min(ahead * 16, MAX_AHEAD_FILES) : 1;
    this.#order = { entries: walked, end: index + count, ahead: count };
    return [...walked.range(index + 1, index + count)];
  }

  /** The files that are not as in the commit that was verified last, where that is another one. */
  #differingAround(walked: TreeEntries): readonly TreeEntry[] | undefined {
    const like = verified.get(this.#repository)?.files;
    if (!like || like === this) return undefined;
    if (this.#differing?.like !== like || this.#differing?.walked !== walked)
      this.#differing = { like, walked, entries: [...walked].filter(({ path }) => !this.#isAsVerified(path)) };
    return this.#differing.entries;
  }

  /** The contents of files, but for large ones, up to a limit for all together. */
  #readAtOnce(entries: readonly TreeEntry[]): ReadonlyMap<string, Uint8Array> {
    const blobs = new Map<string, SizedBlob>();
    let total = 0;
    for (const { path, kind, id, size } of entries) {
      if (kind !== "file" || size === undefined || size > Math.min(MAX_HELD_BYTES, maxBytesOf(path)) || blobs.has(path)) continue;
      total += size;
      if (total > MAX_AHEAD_BYTES) break;
      blobs.set(path, { id, size });
    }
    const contents = readBlobsSync(this.#repository, [...blobs.values()]);
    return new Map([...blobs.keys()].map((file, index) => [file, contents[index]!]));
  }
}

/** Whether a file belongs in a vault. */
const belongs = (file: string): boolean => classify(file).kind !== "stray";

/** @param folder for the error @throws VaultError `TAMPERED` where there are more entries than a vault has */
function list(repository: GitRepository, tree: string, folder: string, listing: Omit<TreeListing, "maxBytes">): TreeEntries {
  try {
    const entries = listTreeSync(repository, tree, { ...listing, maxBytes: MAX_LISTING_BYTES });
    requireEntries(folder, entries.length);
    for (const { path } of entries) requireDepth(path);
    return entries;
  } catch (error) {
    throw isGitError(error, "tooMuchOutput") ? tooManyEntries(folder) : error;
  }
}

/** The folders on the way to a file, the outermost first. */
function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
