import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { isSystemError } from "../errors.js";
import { digestOf, type Digest } from "./digest.js";

/** Folders of fewer files are looked through as fast as a list is read. */
const WORTH_A_LIST = 256;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * What the folders of a vault hold, by the lists whose digests are in its lock. A list proves itself, so it may lie anywhere: with it
 * a read in a folder of thousands of files looks at its own file alone. Where there is none the folder is looked through.
 */
export class TreeListCache {
  readonly #context: Context;
  readonly #folder: string;

  constructor(context: Context, vaultId: string) {
    this.#context = context;
    this.#folder = join(context.home, "trust", "trees", vaultId);
  }

  /** The list of this digest, lines of `SHA256␠␠PATH`, or `undefined`. */
  read(tree: string, digest: Digest): string | undefined {
    const file = this.#fileOf(tree);
    try {
      if (statSync(file).size > MAX_BYTES) return undefined;
      const list = readFileSync(file);
      return digestOf(list) === digest ? list.toString("latin1") : undefined;
    } catch (error) {
      if (isSystemError(error)) return undefined;
      throw error;
    }
  }

  /** Keeps a list for the next read, where it is long and can be kept; the former one of the folder goes. */
  keep(tree: string, list: string, files: number): void {
    if (files < WORTH_A_LIST) return;
    const file = this.#fileOf(tree);
    const draft = `${file}.${Buffer.from(this.#context.random(6)).toString("hex")}`;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(draft, list, { mode: 0o600, flag: "wx" });
      renameSync(draft, file);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (!isSystemError(error, "ENOTDIR")) rmSync(draft, { force: true });
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
