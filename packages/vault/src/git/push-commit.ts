import { resolve } from "node:path";
import { isExecutable } from "../disk/executable.js";
import { NO_HOOKS } from "./environment.js";
import { GitError, gitFailed, pushRefused } from "./errors.js";
import { isFullRef, isObjectId, type FullRef } from "./full-ref.js";
import type { RemoteLimits, RemoteRun } from "./remote-process.js";
import type { GitRepository } from "./repository.js";

/** What must hold for a push, and how long it may take. */
export interface PushOptions {
  /** The commit that the remote's ref has to be at, or `"absent"` where the ref must not exist. The pushed commit has to follow it. */
  readonly expect?: string;
  readonly limits?: RemoteLimits;
}

/** A hook that tests what is pushed may say nothing for minutes. */
const DEFAULT_LIMITS: RemoteLimits = { silenceMs: 300_000, totalMs: 1_800_000 };

/**
 * Pushes one commit to one ref of a remote, and nothing else: no tags, no submodules, never by force. The person's pre-push hook runs.
 * @param remote the name of a remote, or a URL
 * @returns `pushed` once the remote has confirmed that this ref is at this commit now, `up-to-date` where it was before
 * @throws GitError `nonFastForward` where the ref is elsewhere, `hookDeclined`, `protectedBranch`, `offline`, `authentication`, `timedOut`
 *   and others
 */
export async function pushCommit(
  repository: GitRepository,
  remote: string,
  commit: string,
  ref: FullRef,
  { expect, limits = DEFAULT_LIMITS }: PushOptions = {},
): Promise<"pushed" | "up-to-date"> {
  if (!isObjectId(commit) || !isFullRef(ref)) throw new TypeError("A push takes a commit's id and a ref's whole name.");
  const lease = expect === undefined ? [] : [await leaseOn(repository, ref, expect, commit)];
  const source: FullRef = `refs/agent-vault/push/${commit}/${ref.slice("refs/".length)}`;
  await repository.run([...NO_HOOKS, "update-ref", source, commit]);
  try {
    return await pushRef(repository, remote, { source, ref, lease, limits });
  } finally {
    await repository.try([...NO_HOOKS, "update-ref", "-d", source]);
  }
}

/** One ref of ours that is pushed to one of the remote. */
interface PushedRef {
  readonly source: FullRef;
  readonly ref: FullRef;
  readonly lease: readonly string[];
  readonly limits: RemoteLimits;
}

/**
 * git takes the name of a remote's ref for an abbreviation as well, so that a branch called `refs/heads/main` there would be in the way of
 * main, or stand in for it. A pattern means whole names alone; this one has one ref below it.
 */
async function pushRef(
  repository: GitRepository,
  remote: string,
  { source, ref, lease, limits }: PushedRef,
): Promise<"pushed" | "up-to-date"> {
  const end = ref.slice("refs/".length);
  const options = ["--porcelain", "--progress", "--no-follow-tags", "--no-recurse-submodules"];
  const args = ["push", ...options, ...lease, "--", remote, `${source.slice(0, -end.length)}*:refs/*`];
  const run = await repository.talkToRemote(args, limits);
  const statuses = statusesOf(run.stdout, `${source}:${ref}`);
  const refused = statuses.find(({ flag }) => !" *=".includes(flag));
  if (refused) throw pushRefused(run.stderr, ref, refused.summary);
  if (run.exit !== 0) {
    throw (await isDeclinedHere(repository, run))
      ? pushRefused(run.stderr, undefined, "it ended with an error")
      : gitFailed({ args, exit: run.exit, stderr: run.stderr });
  }
  if (statuses.length > 0) return statuses.every(({ flag }) => flag === "=") ? "up-to-date" : "pushed";
  throw new GitError("other", "GIT_FAILED", `git did not say that ${ref} was pushed, so it counts as not pushed.`, {
    remedy: "See what the remote has (git ls-remote), then run the command again.",
    stderr: run.stderr,
  });
}

/** git takes a lease for leave to force, so that the commit follows the expected one is made sure of here. */
async function leaseOn(repository: GitRepository, ref: FullRef, expect: string, commit: string): Promise<string> {
  if (expect === "absent") return `--force-with-lease=${ref}:`;
  if (!isObjectId(expect)) throw new TypeError("A push expects a commit by its id.");
  if ((await repository.try(["merge-base", "--is-ancestor", expect, commit])) !== undefined) return `--force-with-lease=${ref}:${expect}`;
  throw new GitError("nonFastForward", "GIT_FAILED", `${commit} does not follow ${expect}, where ${ref} should be.`, {
    remedy: "Bring the two together first; nothing was pushed.",
  });
}

/** git's lines of one refspec: a flag, the refspec, a summary; one for each URL that is pushed to. */
function statusesOf(stdout: string, refspec: string): { readonly flag: string; readonly summary: string }[] {
  return stdout.split("\n").flatMap((line) => {
    const [flag, name, summary] = line.split("\t");
    return flag?.length === 1 && name === refspec ? [{ flag, summary: summary ?? "" }] : [];
  });
}

/** Whether the pre-push hook ended the push. git does not say so: it pushed nothing, and no other reason is given. */
async function isDeclinedHere(repository: GitRepository, { exit, stderr }: RemoteRun): Promise<boolean> {
  if (exit !== 1 || !/^error: failed to push some refs to /m.test(stderr) || /^fatal: |RPC failed/m.test(stderr)) return false;
  const hook = await repository.try(["rev-parse", "--git-path", "hooks/pre-push"]);
  if (hook !== undefined && isExecutable(resolve(repository.workTree, hook.trim()))) return true;
  return (await repository.try(["config", "--get-regexp", String.raw`^hook\..*\.event$`, "pre-push"])) !== undefined;
}
