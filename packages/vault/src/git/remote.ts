import { dirname } from "node:path";
import type { Context } from "../context.js";
import { NO_HOOKS } from "./environment.js";
import { commandOf, GitError } from "./errors.js";
import { runWithRemote, type RemoteLimits } from "./remote-process.js";
import { authorizationVariables } from "./remote-url.js";
import { runGit } from "./run-git.js";

/** A remote that says nothing for so long, or is not done after so long, is given up. */
const DEFAULT_LIMITS: RemoteLimits = { silenceMs: 15_000, totalMs: 300_000 };

/**
 * Fetches from the remote of the branch that is checked out. Nobody is asked for a password, and no hook runs.
 * @throws GitError
 */
export async function fetchUpstream(context: Context, workTree: string, limits = DEFAULT_LIMITS): Promise<void> {
  await talk(context, workTree, ["fetch", "--no-recurse-submodules"], limits);
}

/** Clones a repository into a folder that is not there yet, and checks nothing out. @throws GitError */
export async function cloneRepository(context: Context, url: string, folder: string, limits = DEFAULT_LIMITS): Promise<void> {
  await talk(context, dirname(folder), ["clone", "--no-checkout", "--template=", "--", url, folder], limits);
}

async function talk(
  context: Context,
  folder: string,
  [command, ...rest]: readonly [string, ...string[]],
  limits: RemoteLimits,
): Promise<void> {
  const args = [...NO_HOOKS, command, "--quiet", "--progress", ...rest];
  const extra = {
    ...((await hasOwnSsh(context, folder)) ? {} : { GIT_SSH_COMMAND: "ssh -o BatchMode=yes" }),
    ...(context.repositoryUrl && authorizationVariables(context.env, context.repositoryUrl)),
  };
  const outcome = await runWithRemote(context, folder, args, { extra }, limits);
  if (outcome === "done") return;
  const seconds = Math.ceil(limits[outcome] / 1000);
  const reason = outcome === "silenceMs" ? `the remote said nothing for ${seconds} seconds` : `it was not done after ${seconds} seconds`;
  throw new GitError("timedOut", "GIT_FAILED", `git ${commandOf(args)} was given up, since ${reason}.`, {
    remedy: "Try again when the remote answers, or read the local state with --no-pull.",
  });
}

/** Whether the person has a program for ssh of their own, which need not know the option. */
async function hasOwnSsh(context: Context, folder: string): Promise<boolean> {
  if (context.env["GIT_SSH_COMMAND"] || context.env["GIT_SSH"]) return true;
  return (await runGit(context, folder, ["config", "--get", "core.sshCommand"]).catch(() => "")) !== "";
}
