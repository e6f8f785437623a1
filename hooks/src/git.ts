import { type Context, VaultError } from "@agent-vault/vault/read-only";
import {
  findGitFolders,
  gitFailed,
  isGitError,
  readObjects as readGitObjects,
  runGitForOutput,
  type EnvironmentOptions,
  type GitOutput,
  type ObjectSink,
} from "@agent-vault/vault/git";

/** git gives each pre-commit hook the index that it is about to commit. */
const COMMITTED_INDEX = "GIT_INDEX_FILE";

/**
 * Within a hook git sees the index that it is about to commit. Elsewhere the folder says which repository it is, and `GIT_DIR` only where
 * the folder is in none. What is read must be what is pushed: a replacement (git-replace) is seen on this machine alone.
 */
function environmentOf({ env }: Context, cwd: string): EnvironmentOptions {
  const inHook = Boolean(env[COMMITTED_INDEX]) || findGitFolders(cwd) === undefined;
  return { inHook, extra: { GIT_OPTIONAL_LOCKS: "0", GIT_NO_REPLACE_OBJECTS: "1" } };
}

/** The context for what changes the repository of a folder, whichever hook of another one it is run from. */
export function outsideHooks(context: Context): Context {
  return { ...context, env: { ...context.env, [COMMITTED_INDEX]: undefined } };
}

/** Runs git, and says how it ended. @throws VaultError `REPOSITORY_NOT_FOUND` where there is no such folder, `GIT_MISSING` */
export async function runGit(context: Context, cwd: string, args: readonly string[]): Promise<GitOutput> {
  try {
    return await runGitForOutput(context, cwd, args, environmentOf(context, cwd));
  } catch (error) {
    throw repositoryError(cwd, error);
  }
}

/**
 * As {@link runGit}, for a command that has to succeed.
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export async function git(context: Context, cwd: string, args: readonly string[]): Promise<Buffer> {
  const output = await runGit(context, cwd, args);
  if (output.exit !== 0) throw gitError(cwd, args, output);
  return output.stdout;
}

/** The error for a git that failed. */
export function gitError(cwd: string, args: readonly string[], { exit, stderr }: GitOutput): unknown {
  return repositoryError(cwd, gitFailed({ args, exit, stderr }));
}

/** The fields of an output with `-z`, each of which a zero byte ends. */
export function records(output: Buffer): Buffer[] {
  const list: Buffer[] = [];
  let from = 0;
  for (let to = output.indexOf(0); to >= 0; to = output.indexOf(0, from)) {
    list.push(output.subarray(from, to));
    from = to + 1;
  }
  return list;
}

/**
 * Reads objects, all in one process and none whole in memory.
 * @param names of objects: ids, or `:FILE` for what the index holds at a path, `COMMIT:FILE` for what a commit does. The process starts before they are known.
 * @param open gives what takes an object's content. A file that does not exist is passed over.
 * @throws VaultError `GIT_FAILED` where an id is not there to be read.
 */
export async function readObjects(
  context: Context,
  cwd: string,
  names: Promise<readonly string[]>,
  open: (name: string) => ObjectSink,
): Promise<void> {
  const openPresent = (name: string, type: string) => {
    if (type !== "missing") return open(name);
    if (name.includes(":")) return undefined;
    throw new VaultError("GIT_FAILED", `git has no object ${name}, which the index names.`, {
      remedy: "Run git fsck to see what is missing.",
    });
  };
  try {
    await readGitObjects(context, cwd, names, openPresent, environmentOf(context, cwd));
  } catch (error) {
    throw repositoryError(cwd, error);
  }
}

function repositoryError(cwd: string, error: unknown): unknown {
  if (!isGitError(error, "notARepository", "bareRepository")) return error;
  return new VaultError("REPOSITORY_NOT_FOUND", `${cwd} is not inside a git repository with a work tree.`, {
    remedy: "Change to the root of the work tree, or name it with -C.",
    cause: error,
  });
}
