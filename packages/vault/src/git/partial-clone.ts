import { join } from "node:path";
import { findGitFolders, readText } from "./git-folders.js";

/** The setting that says that a clone of ours lacks the contents of files. git's own setting would have it fetch each one by itself. */
const MARK = "agent-vault.partialClone";
const MARKED = /^\s*\[agent-vault\][^[]*?^\s*partialClone\s*=\s*true\s*$/im;

/** Filters the contents of files out, for the one git that fetches. */
export const PARTIAL_FETCH = ["-c", "remote.origin.promisor=true", "-c", "remote.origin.partialCloneFilter=blob:none"] as const;

/** Variables for that git: it fetches what it is asked for and nothing besides. */
export const NO_LAZY_FETCH: Readonly<Record<string, string>> = { GIT_NO_LAZY_FETCH: "1" };

/** A repository whose configuration can be changed. */
interface Configurable {
  run(args: readonly string[]): Promise<string>;
  /** As `run`, but `undefined` where git refuses. */
  try(args: readonly string[]): Promise<string | undefined>;
}

/**
 * Makes a partial clone that git has made one of ours: git takes it for whole, so that what it lacks is missing and never fetched while
 * something is read. What is wanted is fetched by `fetchBlobs`, all at once.
 */
export async function markPartialClone(repository: Configurable): Promise<void> {
  for (const name of ["remote.origin.promisor", "remote.origin.partialCloneFilter", "extensions.partialClone"])
    await repository.try(["config", "--unset-all", name]);
  await repository.run(["config", MARK, "true"]);
}

/** Whether the repository around a folder is a partial clone of ours. No program is started. */
export function isPartialClone(folder: string): boolean {
  const folders = findGitFolders(folder);
  return folders !== undefined && MARKED.test(readText(join(folders.commonDir, "config")) ?? "");
}

/** Whether a person has cloned the repository around a folder in part: git would fetch each object when it is read. No program is started. */
export function isPromisorClone(folder: string): boolean {
  const folders = findGitFolders(folder);
  return folders !== undefined && /^\s*promisor\s*=\s*true\s*$/im.test(readText(join(folders.commonDir, "config")) ?? "");
}
