import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { replaceFile } from "../disk/atomic-file.js";
import { isSystemError, VaultError } from "../errors.js";
import { digestOf, parseTreeList, type Digest } from "./digest.js";

/** Folders of fewer files are looked through as fast as a list is read. */
const MIN_FILES = 256;
const MAX_LIST_BYTES = 64 * 1024 * 1024;

/**
 * What the folders of a vault hold, by the lists whose digests are in its lock. A list proves itself, so it may lie anywhere: with it
 * a read in a folder of thousands of files looks at its own file alone. Where there is none the folder is looked through.
 */
export class TreeListCache {
  readonly #folder: string;

  constructor(context: Context, vaultId: string) {
    this.#folder = join(context.home, "trust", "trees", vaultId);
  }

  /** The list of this digest, lines of `SHA256␠␠PATH`, or `undefined`. */
  read(tree: string, digest: Digest): string | undefined {
    const file = this.#fileOf(tree);
    try {
      if (statSync(file).size > MAX_LIST_BYTES) return undefined;
      const list = readFileSync(file);
      return digestOf(list) === digest ? list.toString("latin1") : undefined;
    } catch (error) {
      if (isSystemError(error)) return undefined;
      throw error;
    }
  }

  /** Keeps a list for the next read, where it is long and can be kept; the former one of the folder goes. */
  keep(tree: string, list: string, files: number): void {
    if (files < MIN_FILES) return;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      replaceFile(this.#fileOf(tree), list);
    } catch (error) {
      if (!isSystemError(error) && !(error instanceof VaultError)) throw error;
    }
  }

  #fileOf(tree: string): string {
    return join(this.#folder, `${digestOf(tree).slice("sha256:".length, "sha256:".length + 32)}.list`);
  }
}

/** A file's digest in a list, or `undefined` where the list does not name it. */
export function digestInList(list: string, file: string): Digest | undefined {
  const entry = `  ${file}\n`;
  const at = list.indexOf(entry);
  // Names have no spaces, so an entry cannot be the end of a longer one.
  return at < 0 ? undefined : `sha256:${list.slice(at - 64, at)}`;
}

/** The digests of all files in a folder's list, by their paths in the vault; `undefined` for a text that is no list. */
export function digestsInList(list: string, tree: string): ReadonlyMap<string, Digest> | undefined {
  if (!/^(?:[0-9a-f]{64} {2}[^\n ]+\n)+$/.test(list)) return undefined;
  return parseTreeList(list, `${tree}/`);
}
