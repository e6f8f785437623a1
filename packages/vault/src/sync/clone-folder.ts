import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Context } from "../context.js";
import { isSystemError, VaultError } from "../errors.js";
import { readText } from "../git/git-folders.js";
import type { RepositoryUrl } from "../git/remote-url.js";

/** Where the clone of a URL lies. */
export interface CloneFolder {
  /** The clone itself. */
  readonly repository: string;
  /** Where processes claim that they change it. */
  readonly locks: string;
  /** What is not in place yet, or not any more: a folder for each is made in it. */
  readonly drafts: string;
}

/**
 * Where a repository's clone may be, in the order in which it is looked for: at home, and in the system's folder for what is temporary
 * where only the user can write; then a whole clone that an earlier version made.
 */
export function cloneFolders(context: Context, url: RepositoryUrl): CloneFolder[] {
  const caches = [homeCache(context), ...(isOwn(temporaryCache()) ? [temporaryCache()] : [])];
  const former = caches.map((cache) => ({ ...folderIn(cache, url), repository: join(cache, hashOf(url.address)) }));
  return [...caches.map((cache) => folderIn(cache, url)), ...(url.ref === undefined ? former : [])];
}

/** Where a new clone goes: the first of these that can be written. @throws VaultError `UNWRITABLE` */
export function newCloneFolder(context: Context, url: RepositoryUrl): CloneFolder {
  return folderIn(writableCache(context), url);
}

/** Whether a folder holds a repository as far as can be seen without git, which would look for another one above where there is none. */
export function holdsRepository({ repository }: CloneFolder): boolean {
  const git = join(repository, ".git");
  return (
    /^(?:ref: refs\/|[0-9a-f]{40})/.test(readText(join(git, "HEAD")) ?? "") &&
    /^\s*\[remote "origin"\]/m.test(readText(join(git, "config")) ?? "") &&
    ["objects", "refs"].every((name) => existsSync(join(git, name)))
  );
}

/** Removes what processes that were killed have left of a clone. To be called by the one that holds its lock. */
export function removeRemains({ repository, drafts }: CloneFolder): void {
  removeDrafts(drafts);
  const git = join(repository, ".git");
  for (const folder of ["", "agent-vault"]) removeFiles(join(git, folder), /\.lock$/);
  removeFiles(join(git, "refs"), /\.lock$/, true);
  removeFiles(join(git, "objects/pack"), /^tmp_/);
}

/** Removes what is not in place. A git whose caller was killed may go on writing in it for a while; then it is left to the next process. */
export function removeDrafts(drafts: string): void {
  try {
    rmSync(drafts, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

function removeFiles(folder: string, name: RegExp, recursive = false): void {
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder, { recursive, encoding: "utf8" }))
    if (name.test(file) && lstatSync(join(folder, file), { throwIfNoEntry: false })?.isFile()) rmSync(join(folder, file), { force: true });
}

function folderIn(cache: string, { address, ref }: RepositoryUrl): CloneFolder {
  const folder = join(cache, `url-${hashOf(ref === undefined ? address : `${address}#${ref}`)}`);
  return { repository: join(folder, "repository"), locks: join(folder, "locks"), drafts: join(folder, "drafts") };
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);
const homeCache = (context: Context): string => join(context.home, "cache");
const temporaryCache = (): string => join(tmpdir(), `agent-vault-${process.getuid?.() ?? "cache"}`);

function writableCache(context: Context): string {
  const cache = homeCache(context);
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    accessSync(cache, constants.W_OK | constants.X_OK);
    return cache;
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR")) throw error;
  }
  const temporary = temporaryCache();
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  if (isOwn(temporary)) return temporary;
  throw new VaultError("UNWRITABLE", `Nothing can be written in ${cache}, and ${temporary} belongs to another user.`, {
    remedy: "Set AGENT_VAULT_HOME to a folder of your own.",
  });
}

/** Whether a folder is there and nobody else can put anything in it: the system's temporary folder is open to all. */
function isOwn(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return false;
  return process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o022) === 0);
}
