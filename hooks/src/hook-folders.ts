import { realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type Context, isSystemError } from "@agent-vault/vault/read-only";
import { git } from "./git.js";

/** The folders of a repository that hooks can be in, as absolute paths. */
export interface HookFolders {
  readonly root: string;
  /** The `.git` folder that all linked work trees share. */
  readonly commonFolder: string;
  /** Where git looks for hooks. */
  readonly hooksFolder: string;
}

/** @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED` */
export async function findHookFolders(context: Context, cwd: string): Promise<HookFolders> {
  const root = resolve(cwd, line(await git(context, cwd, ["rev-parse", "--show-toplevel"])));
  const [common, hook] = line(await git(context, root, ["rev-parse", "--git-common-dir", "--git-path", "hooks/pre-commit"])).split(/\r?\n/);
  return { root, commonFolder: resolve(root, common!), hooksFolder: dirname(resolve(root, hook!)) };
}

/** What git printed, without the line break at its end. */
export function line(output: Buffer): string {
  return output.toString("utf8").replace(/\r?\n$/, "");
}

/** Whether a path is below a folder, with every link in both resolved. */
export function isBelow(folder: string, path: string): boolean {
  const way = relative(withoutLinks(folder), withoutLinks(path));
  return way !== "" && way !== ".." && !/^\.\.[/\\]/.test(way) && resolve(way) !== way;
}

/** The path with every link in it resolved, as far as it exists. */
export function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "ENOTDIR") || dirname(path) === path) throw error;
    return join(withoutLinks(dirname(path)), basename(path));
  }
}
