import { lstatSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Context } from "./context.js";
import { VaultError } from "./errors.js";
import type { GitRepository } from "./git.js";

/** What a pull came to. All but `pulled` leave the work tree as it was. */
export type PullOutcome = "pulled" | "current" | "recent" | "no-remote" | "offline" | "dirty" | "diverged" | "unfinished" | "refused";

/** How long a remote may say nothing, in milliseconds. */
const SILENCE = 15_000;

/**
 * Brings the vault's branch up to date with its upstream by a fast-forward, and in no other way: nothing is reset or merged, and a
 * vault with uncommitted changes is left alone. What prevents it is a warning, since the local state can still be read.
 * @param root absolute path of the vault's folder
 * @param options.always pull also where the last fetch is younger than the vault's `pull_interval`
 */
export async function pull(context: Context, root: string, options: { always?: boolean } = {}): Promise<PullOutcome> {
  const folder = dirname(root);
  if (!mayHaveRemote(folder)) return "no-remote";
  const [{ GitRepository }, { VaultState }, { withWriteLock }] = await Promise.all([
    import("./git.js"),
    import("./vault-state.js"),
    import("./write-lock.js"),
  ]);
  const repository = await GitRepository.find(context, folder);
  if (!options.always && isRecent(context, repository, new VaultState(root).config.settings.pull_interval)) return "recent";
  if (repository.unfinishedOperation()) return "unfinished";
  const upstream = (await repository.try(["rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}"]))?.trim();
  if (!upstream) return "no-remote";
  try {
    await repository.run([...NO_HOOKS, "fetch", "--quiet", "--no-recurse-submodules"], { silence: SILENCE });
  } catch (error) {
    return warned("offline", `The vault could not be pulled, so this is the local state: ${reasonOf(error)}`);
  }
  const [ahead, behind] = (await repository.run(["rev-list", "--left-right", "--count", `HEAD...${upstream}`]))
    .trim()
    .split("\t")
    .map(Number);
  if (behind === 0) return "current";
  if (ahead !== 0)
    return warned("diverged", `This branch and ${upstream} have diverged, so nothing was pulled. Bring them together with git, then push.`);
  const vault = relative(repository.workTree, root);
  const status = await repository.run(["status", "--porcelain", "-z", "--", `:(top,literal)${vault}`]);
  if (status !== "")
    return warned("dirty", `The vault has uncommitted changes, so ${upstream} was not pulled. Commit or undo them (git status ${vault}).`);
  try {
    await withWriteLock(context, join(repository.gitDir, "agent-vault"), () =>
      repository.run([...NO_HOOKS, "merge", "--ff-only", "--no-overwrite-ignore", "--quiet", upstream]),
    );
  } catch (error) {
    return warned("refused", `${upstream} could not be pulled: ${reasonOf(error)}`);
  }
  return "pulled";

  function warned(outcome: PullOutcome, message: string): PullOutcome {
    context.warn(message);
    return outcome;
  }
}

/** What was just pulled must not run here: a hook may be a file of the new commit. */
const NO_HOOKS = ["-c", "core.hooksPath=/dev/null"];

/** Looks for a remote in the repository's own configuration, without git: most reads end here. */
export function mayHaveRemote(folder: string): boolean {
  for (; ; folder = dirname(folder)) {
    const git = lstatSync(join(folder, ".git"), { throwIfNoEntry: false });
    if (git?.isDirectory()) return readFileSync(join(folder, ".git", "config"), "utf8").includes("[remote ");
    if (git) return true;
    if (folder === dirname(folder)) return false;
  }
}

/** Whether git last fetched within `seconds`, successfully or not: it touches FETCH_HEAD each time. */
function isRecent(context: Context, repository: GitRepository, seconds: number): boolean {
  const fetched = statSync(join(repository.gitDir, "FETCH_HEAD"), { throwIfNoEntry: false });
  return fetched !== undefined && context.now().getTime() - fetched.mtimeMs < seconds * 1000;
}

function reasonOf(error: unknown): string {
  if (error instanceof VaultError) return error.message;
  throw error;
}
