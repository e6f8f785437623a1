import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

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

/** Looks for a remote in the repository's own configuration, without git: most reads end here. */
export function mayHaveRemote(folder: string): boolean {
  const git = findGitFolders(folder);
  // What cannot be read here is left to git and its words.
  return git !== undefined && (readText(join(git.commonDir, "config"))?.includes("[remote ") ?? true);
}

function readText(file: string): string | undefined {
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
