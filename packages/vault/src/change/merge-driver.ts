import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { maxBytesOf } from "../files/limits.js";
import { LOCK_FILE, VAULT_FOLDER } from "../format/layout.js";
import { findGitFolders, readText } from "../git/git-folders.js";
import { writeMergeMark } from "../git/merge-mark.js";
import { digestOf } from "../lock/digest.js";
import { joinFile } from "../merge/join-file.js";

/** What git hands to the driver: files with the three versions, and where the file is in the work tree (gitattributes, custom merge drivers). */
export interface DriverCall {
  readonly base: string;
  /** Takes the result. */
  readonly ours: string;
  readonly theirs: string;
  /** Relative to the work tree, with `/`. */
  readonly path: string;
}

/**
 * Joins one file of a vault where git merges, so that the merge goes through; nothing is signed, no key is used and nobody is asked. With
 * `vault.lock` it is noted, in git's folder, that the merge is to be signed.
 * @throws VaultError `FAILED` where git has to leave a conflict: the file is none of a vault's, or too large; `UNWRITABLE`, `DISK_FULL`
 */
export function joinForGit(context: Context, { base, ours, theirs, path }: DriverCall): void {
  const [folder, file] = vaultFileAt(path);
  const read = (name: string) => readSide(resolve(context.cwd, name), file);
  const before = read(base);
  const gitDir = gitFolder(context);
  const isPick = !isMerge(context) && !isRebase(gitDir);
  // git gives an empty file where there was none.
  const sides = { base: before.length === 0 ? undefined : before, ours: read(ours), theirs: read(theirs) };
  const joined = joinFile(file, sides, isPick);
  if (!joined) throw notJoined(path);
  if (file === LOCK_FILE) writeMergeMark(gitDir, { folder, lock: digestOf(joined) });
  writeFileSync(resolve(context.cwd, ours), joined);
}

/** The vault's folder and the file in it. @throws VaultError `FAILED` */
function vaultFileAt(path: string): [folder: string, file: string] {
  const parts = path.split("/");
  const at = parts.indexOf(VAULT_FOLDER);
  if (at < 0 || at === parts.length - 1) throw notJoined(path);
  return [parts.slice(0, at + 1).join("/"), parts.slice(at + 1).join("/")];
}

/** What is merged may be anybody's. @throws VaultError `FAILED` */
function readSide(name: string, file: string): Uint8Array {
  if (statSync(name).size > maxBytesOf(file)) throw notJoined(file);
  return readFileSync(name);
}

function gitFolder({ cwd, env }: Context): string {
  const own = env["GIT_DIR"];
  const found = own === undefined ? findGitFolders(cwd)?.gitDir : resolve(cwd, own);
  if (found !== undefined) return found;
  throw new VaultError("REPOSITORY_NOT_FOUND", "The merge driver was not started by git.", {
    remedy: "It is git's to start. Merge with git merge, or with agent-vault sync.",
  });
}

/** `git merge`, `git pull` and `git merge --squash` name what they merge in the environment. */
function isMerge({ env }: Context): boolean {
  return Object.keys(env).some((name) => /^GITHEAD_[0-9a-f]{40,64}$/.test(name));
}

function isRebase(gitDir: string): boolean {
  return ["rebase-merge/head-name", "rebase-apply/head-name"].some((file) => readText(join(gitDir, file)) !== undefined);
}

function notJoined(path: string): VaultError {
  return new VaultError("FAILED", `${path} was changed on both sides, and agent-vault does not join it.`, {
    remedy: "Resolve it by hand, and git add it. What owners have signed on both sides is merged by agent-vault sync afterwards.",
  });
}
