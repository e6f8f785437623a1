import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { homeOf, type Context } from "../context.js";

/** Where a repository keeps what it knows. */
export interface GitFolders {
  readonly workTree: string;
  /** The folder of this work tree's own state: index, HEAD. */
  readonly gitDir: string;
  /** The folder that all work trees of the repository share: configuration, branches, objects. */
  readonly commonDir: string;
}

/**
 * The nearest repository at or above a folder, also in a linked work tree or a submodule, whose `.git` is a file. It is found without a
 * program, as every read of a secret comes through here. What cannot be read is left to git: the folders then hold nothing.
 */
export function findGitFolders(folder: string): GitFolders | undefined {
  for (let workTree = folder; ; workTree = dirname(workTree)) {
    const dotGit = join(workTree, ".git");
    const stat = statSync(dotGit, { throwIfNoEntry: false });
    if (stat) {
      const named = stat.isFile() ? /^gitdir: (.+)$/m.exec(readText(dotGit) ?? "")?.[1] : undefined;
      const gitDir = named === undefined ? dotGit : resolve(workTree, named);
      return { workTree, gitDir, commonDir: resolve(gitDir, readText(join(gitDir, "commondir"))?.trim() ?? "") };
    }
    if (workTree === dirname(workTree)) return undefined;
  }
}

/** Sections by which a branch may come to have a remote, in whatever spelling git takes: by themselves, or by naming another file. */
const REMOTE_SECTION = /\[\s*(?:remote|branch|include|includeif|extensions)\b/i;
const REMOTE_SETTING = /\b(?:remote|branch|include|includeif)\./i;

/** Looks for what may be a remote in git's configuration, without git: most reads end here. What is not understood is left to git. */
export function mayHaveRemote({ env }: Context, folder: string): boolean {
  const git = findGitFolders(folder);
  if (git === undefined) return false;
  const own = readText(join(git.commonDir, "config"));
  if (own === undefined || REMOTE_SECTION.test(own)) return true;
  return (
    commandSettings(env).some((text) => REMOTE_SETTING.test(text)) ||
    personalConfigs(env).some((file) => REMOTE_SECTION.test(readText(file) ?? ""))
  );
}

/** What the environment says as `git -c` would. */
function commandSettings(env: Context["env"]): string[] {
  return Object.entries(env).flatMap(([name, value]) => (/^GIT_CONFIG_(?:KEY_\d+|PARAMETERS)$/.test(name) ? (value ?? "") : []));
}

/** The files of configuration beside the repository's own. */
function personalConfigs(env: Context["env"]): string[] {
  const home = homeOf(env);
  const { GIT_CONFIG_GLOBAL: global, GIT_CONFIG_SYSTEM: system, GIT_CONFIG_NOSYSTEM: noSystem, XDG_CONFIG_HOME: configHome } = env;
  const ofSystem = noSystem !== undefined ? [] : [system ?? "/etc/gitconfig"];
  if (global !== undefined) return [...ofSystem, global];
  return [...ofSystem, join(home, ".gitconfig"), join(configHome || join(home, ".config"), "git/config")];
}

/** Whether a repository names its objects by SHA-256 (gitrepository-layout, extensions.objectFormat). */
export function usesSha256({ commonDir }: GitFolders): boolean {
  return /^\s*objectformat\s*=\s*sha256\s*$/im.test(readText(join(commonDir, "config")) ?? "");
}

/** What a work tree's HEAD names, such as `refs/heads/main`; `undefined` where it is detached. Where refs lie in a table, only git knows it. */
export function symbolicHead(gitDir: string): string | undefined {
  return /^ref: (.+)$/m.exec(readText(join(gitDir, "HEAD")) ?? "")?.[1];
}

/** The text of a file of git's; `undefined` where it cannot be read. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** agent-vault's own folder in git's, so that nothing in it is ever committed: the write lock, the journal of a change, its new files. */
export const changeFolder = (gitDir: string): string => join(gitDir, "agent-vault");

/** What a change writes once it is sure to be finished, by whichever process. */
export const journalFile = (gitDir: string): string => join(changeFolder(gitDir), "journal.json");

/** Says that git has joined files of a vault in this work tree, by our merge driver; what it joined is in `vault.lock`. */
export const mergeMarkFile = (gitDir: string): string => join(changeFolder(gitDir), "unfinished-merge.json");
