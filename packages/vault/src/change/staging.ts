import { accessSync, constants, existsSync, lstatSync, mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { syncFolder } from "../disk/atomic-file.js";
import { isSystemError, writeError } from "../errors.js";
import { linkInVault } from "../files/vault-folder.js";

/** Waiting for the disk with more files than this would take a good part of a change's time; git holds all of them durably by then. */
const MAX_SYNCED_FILES = 1000;
/** How many files wait for the disk at once. */
const PARALLEL_SYNCS = 16;

type Files = ReadonlyMap<string, Uint8Array | null>;

/** A change's new files, in a folder beside the repository, where a full disk hurts nobody. One rename each puts them into the vault. */
export class Staging {
  readonly #folder: string;
  #staged: string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes the new files, in place of what an earlier change left. @throws VaultError `UNWRITABLE`, `DISK_FULL` */
  write(files: Files): void {
    this.remove();
    const folders = new Set<string>();
    try {
      for (const [file, bytes] of files) {
        if (!bytes) continue;
        const path = join(this.#folder, file);
        this.#staged.push(path);
        const folder = dirname(path);
        if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
        folders.add(folder);
        writeFileSync(path, bytes, { flag: "wx" });
      }
    } catch (error) {
      this.remove();
      throw writeError(error, dirname(this.#folder));
    }
  }

  /** Makes the new files outlast a loss of power: many at once, since each waits for the disk. */
  async sync(): Promise<void> {
    if (this.#staged.length > MAX_SYNCED_FILES) return;
    const left = this.#staged.values();
    await Promise.all(Array.from({ length: PARALLEL_SYNCS }, () => syncOneByOne(left)));
  }

  /** Moves the new files over the old ones, one atomic rename each, and removes what is to go. @param root the vault's folder */
  install(root: string, files: Files): void {
    const folders = new Set<string>();
    const changed = new Set<string>();
    for (const [file, bytes] of files) {
      const target = join(root, file);
      const folder = dirname(target);
      if (bytes === null) {
        rmSync(target, { force: true });
        changed.add(removeEmptyFolders(folder, root));
        continue;
      }
      if (!folders.has(folder)) makeFolder(folder, root);
      folders.add(folder);
      try {
        renameSync(join(this.#folder, file), target);
      } catch (error) {
        if (!isSystemError(error, "EXDEV")) throw error;
        writeFileSync(target, bytes, { flush: true });
      }
    }
    // What was left of a folder may have become empty with a later file.
    for (const folder of new Set([...folders, ...changed])) if (existsSync(folder)) syncFolder(folder);
  }

  remove(): void {
    this.#staged = [];
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Fails where a file could not be put into one of these folders, or into one that is to be made. @throws VaultError `UNWRITABLE` */
export function requireWritableFolders(folders: Iterable<string>): void {
  for (const folder of new Set(folders)) {
    let existing = folder;
    while (!lstatSync(existing, { throwIfNoEntry: false })) existing = dirname(existing);
    try {
      accessSync(existing, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw writeError(error, existing);
    }
  }
}

async function syncOneByOne(files: Iterable<string>): Promise<void> {
  for (const file of files) {
    const handle = await open(file, "r");
    try {
      await handle.sync();
    } catch (error) {
      if (!isSystemError(error, "EPERM", "EINVAL", "ENOTSUP")) throw writeError(error, file);
    } finally {
      await handle.close();
    }
  }
}

/** @throws VaultError `LINK_IN_VAULT`: nothing is written through a link, which may have been committed and lead anywhere */
function makeFolder(folder: string, root: string): void {
  for (let part = folder; part.length >= root.length; part = dirname(part)) {
    if (lstatSync(part, { throwIfNoEntry: false })?.isSymbolicLink()) throw linkInVault(relative(root, part) || ".");
  }
  mkdirSync(folder, { recursive: true });
}

/** @returns the folder that is left and holds one entry less */
function removeEmptyFolders(folder: string, root: string): string {
  for (let empty = folder; empty.length > root.length; empty = dirname(empty)) {
    try {
      rmdirSync(empty);
    } catch {
      return empty;
    }
  }
  return root;
}
