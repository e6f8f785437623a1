import { dirname } from "node:path";
import type { Context } from "../context.js";
import { NO_HOOKS } from "./environment.js";
import { commandOf, gitFailed, GitError } from "./errors.js";
import { runWithRemote, type ExceededLimit, type RemoteLimits, type RemoteRun } from "./remote-process.js";
import { isPartialClone, NO_LAZY_FETCH } from "./partial-clone.js";
import { authorizationVariables } from "./remote-url.js";
import { runGit } from "./run-git.js";

/** A remote that says nothing for so long, or is not done after so long, is given up. */
export const DEFAULT_LIMITS: RemoteLimits = { silenceMs: 15_000, totalMs: 300_000 };

/** How much of a repository is cloned. */
export interface CloneOptions {
  /** The commits and trees of its main branch without the contents of files, where the remote can leave those out. */
  readonly partial?: boolean;
}

/** Clones a repository into a folder that is not there yet, and checks nothing out. @throws GitError */
export async function cloneRepository(
  context: Context,
  url: string,
  folder: string,
  { partial = false }: CloneOptions = {},
): Promise<void> {
  const part = partial ? ["--filter=blob:none", "--single-branch", "--no-tags"] : [];
  const args = ["clone", "--quiet", "--progress", "--no-checkout", "--template=", ...part, "--", url, folder];
  await askRemote(context, dirname(folder), args);
}

/** Runs a command that talks to a remote. Nobody is asked for a password, and no hook runs. @throws GitError */
export async function askRemote(
  context: Context,
  folder: string,
  args: readonly string[],
  limits?: RemoteLimits,
  input?: Uint8Array,
): Promise<RemoteRun> {
  const run = await talkToRemote(context, folder, [...NO_HOOKS, ...args], limits, input);
  if (run.exit === 0) return run;
  throw gitFailed({ args, exit: run.exit, stderr: run.stderr });
}

/** As {@link askRemote}, with the hooks of the person, and the caller judges how it ended. @throws GitError where it did not end */
export async function talkToRemote(
  context: Context,
  folder: string,
  args: readonly string[],
  limits: RemoteLimits = DEFAULT_LIMITS,
  input?: Uint8Array,
): Promise<RemoteRun> {
  const extra = {
    ...(isPartialClone(folder) && NO_LAZY_FETCH),
    ...((await hasOwnSsh(context, folder)) ? {} : { GIT_SSH_COMMAND: "ssh -o BatchMode=yes" }),
    ...(context.repositoryUrl && authorizationVariables(context.env, context.repositoryUrl)),
  };
  const run = await runWithRemote(context, folder, args, { extra }, limits, input);
  if (typeof run === "object") return run;
  throw new GitError("timedOut", "GIT_FAILED", `git ${commandOf(args)} ${reasonOf(run, limits)}.`, {
    remedy: "Try again when the remote answers, or read the local state with --no-pull.",
  });
}

function reasonOf(exceeded: ExceededLimit, limits: RemoteLimits): string {
  if (exceeded === "maxBytes") return "was ended, because the remote sends more than it was asked for can be";
  if (exceeded === "output") return "was ended, because the remote lists more refs than any repository has";
  const seconds = Math.ceil(limits[exceeded] / 1000);
  return exceeded === "silenceMs"
    ? `was ended, because the remote did not answer for ${seconds} seconds`
    : `timed out after ${seconds} seconds`;
}

/** Whether the person has a program for ssh of their own, which need not know the option. */
async function hasOwnSsh(context: Context, folder: string): Promise<boolean> {
  if (context.env["GIT_SSH_COMMAND"] || context.env["GIT_SSH"]) return true;
  return (await runGit(context, folder, ["config", "--get", "core.sshCommand"]).catch(() => "")) !== "";
}
