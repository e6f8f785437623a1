import { mkdirSync, rmSync } from "node:fs";
import { replaceFile } from "../disk/atomic-file.js";
import { VAULT_FOLDER } from "../format/layout.js";
import { changeFolder, mergeMarkFile, readText } from "./git-folders.js";

/** What our merge driver did last in a work tree. It says no more than that the merge was begun here: what is joined, `vault.lock` says. */
export interface MergeMark {
  /** The vault's folder, relative to the work tree, with `/`. */
  readonly folder: string;
  /** The digest of what the driver wrote as `vault.lock`: the mark fits as long as that stands there. */
  readonly lock: string;
}

/** Notes that files of a vault are joined. @throws VaultError `UNWRITABLE`, `DISK_FULL` */
export function writeMergeMark(gitDir: string, mark: MergeMark): void {
  mkdirSync(changeFolder(gitDir), { recursive: true });
  replaceFile(mergeMarkFile(gitDir), `${JSON.stringify({ version: 1, ...mark })}\n`);
}

/** The mark of a work tree; `undefined` where there is none, or one that this version does not read. */
export function readMergeMark(gitDir: string): MergeMark | undefined {
  const text = readText(mergeMarkFile(gitDir));
  if (text === undefined || text.length > 4096) return undefined;
  try {
    const { version, folder, lock } = JSON.parse(text) as Record<string, unknown>;
    const isMark = version === 1 && typeof folder === "string" && typeof lock === "string" && isVaultFolder(folder);
    return isMark ? { folder, lock } : undefined;
  } catch {
    return undefined;
  }
}

function isVaultFolder(folder: string): boolean {
  const parts = folder.split("/");
  return parts.at(-1) === VAULT_FOLDER && !parts.some((part) => part === "" || part === "." || part === ".." || /[\n\r]/.test(part));
}

/** Takes the mark away, once the merge is signed or given up. */
export function removeMergeMark(gitDir: string): void {
  rmSync(mergeMarkFile(gitDir), { force: true });
}
