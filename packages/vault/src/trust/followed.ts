import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { GitError } from "../git/errors.js";
import { branchName, isFullRef, type FullRef } from "../git/full-ref.js";
import { findGitFolders, symbolicHead } from "../git/git-folders.js";
import { spellRemote } from "../git/remote-spelling.js";
import { runGitSync } from "../git/run-git-sync.js";

/** A remote's branch that a branch of the clone follows. */
export interface Upstream {
  readonly ref: FullRef;
  /** The ref in which the clone keeps what was last fetched of it. */
  readonly tracking: string;
  /** As a person says it, such as `origin/main`. */
  readonly name: string;
}

/** What a clone follows. */
export interface Followed {
  /** The remote's name in the clone's configuration, such as `origin`. */
  readonly name: string;
  /** The one spelling of its URL. */
  readonly remote: string;
  /** The checked-out branch's upstream; absent where HEAD is detached or the branch follows nothing. */
  readonly upstream?: Upstream | undefined;
  /** The ref that the clone took for the remote's main one when it was made, by `refs/remotes/NAME/HEAD`. */
  readonly defaultRef?: FullRef | undefined;
}

/**
 * What the clone around a vault follows: the upstream of the branch that is checked out; without one, the remote alone.
 * @param root the vault's folder
 * @param preferred the name of the remote that is meant without one, where the clone has it; `origin` unless set
 * @returns `undefined` where there is no repository or no remote
 * @throws GitError
 */
export function followedBy(context: Context, root: string, preferred?: string): Followed | undefined {
  const folders = findGitFolders(dirname(root));
  if (!folders) return undefined;
  const settings = readSettings(context, dirname(root));
  const branch = checkedOutBranch(context, dirname(root), folders.gitDir);
  const of = (name: string) => settings.get(name)?.at(-1);
  const remotes = [...settings.keys()].flatMap((name) => /^remote\.(.+)\.url$/s.exec(name)?.[1] ?? []);
  const upstreamRemote = branch && of(`branch.${branch}.remote`);
  const merge = branch && of(`branch.${branch}.merge`);
  const isFollowing = upstreamRemote !== undefined && upstreamRemote !== "." && merge !== undefined && isFullRef(merge);
  const named = [preferred, "origin"].find((candidate) => candidate !== undefined && remotes.includes(candidate));
  const name = isFollowing ? upstreamRemote : (named ?? remotes[0]);
  if (name === undefined) return undefined;
  // A branch may follow a URL that is no remote of its own.
  const url = withInsteadOf(settings.get(`remote.${name}.url`)?.[0] ?? name, settings);
  const defaultRef = defaultOf(name, folders.commonDir);
  return {
    name,
    remote: spellRemote(url, folders.workTree),
    ...(isFollowing && { upstream: { ref: merge, tracking: trackingRef(name, merge), name: `${name}/${branchName(merge)}` } }),
    ...(defaultRef && { defaultRef }),
  };
}

/** What `refs/remotes/NAME/HEAD` says. The name of a remote, like that of a branch, may have slashes. */
function defaultOf(name: string, commonDir: string): FullRef | undefined {
  const tracking = symbolicHead(join(commonDir, "refs/remotes", name));
  const prefix = trackingRef(name, "refs/heads/");
  return tracking?.startsWith(prefix) ? `refs/heads/${tracking.slice(prefix.length)}` : undefined;
}

/** The one spelling of a remote that the clone has by a name; `undefined` where it has none. @throws GitError */
export function spelledRemote(context: Context, workTree: string, name: string): string | undefined {
  const settings = readSettings(context, workTree);
  const url = settings.get(`remote.${name}.url`)?.[0];
  return url === undefined ? undefined : spellRemote(withInsteadOf(url, settings), workTree);
}

/** The ref in which a clone keeps what it knows of a remote's branch. */
export function trackingRef(remote: string, ref: FullRef): string {
  return `refs/remotes/${remote}/${branchName(ref)}`;
}

/** git's settings by their names, each with its values in order. */
function readSettings(context: Context, folder: string): Map<string, string[]> {
  const output = runGitSync(context, folder, ["config", "--null", "--list"]).toString("utf8");
  const settings = new Map<string, string[]>();
  for (const entry of output.split("\0")) {
    const end = entry.indexOf("\n");
    const [name, value] = end < 0 ? [entry, ""] : [entry.slice(0, end), entry.slice(end + 1)];
    settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

/** The longest `url.BASE.insteadOf` that a URL begins with is replaced by its base (git-config). */
function withInsteadOf(url: string, settings: ReadonlyMap<string, readonly string[]>): string {
  let [best, base] = ["", ""];
  for (const [name, prefixes] of settings) {
    const candidate = /^url\.(.+)\.insteadof$/s.exec(name)?.[1];
    for (const prefix of candidate === undefined ? [] : prefixes)
      if (url.startsWith(prefix) && prefix.length > best.length) [best, base] = [prefix, candidate!];
  }
  return best === "" ? url : `${base}${url.slice(best.length)}`;
}

/** The branch's name without `refs/heads/`; `undefined` where HEAD is detached. */
function checkedOutBranch(context: Context, folder: string, gitDir: string): string | undefined {
  const head = symbolicHead(gitDir);
  // Where refs lie in a table of git's own, the file says nothing.
  const ref = head?.includes(".invalid") ? tryGit(context, folder, ["symbolic-ref", "--quiet", "HEAD"]) : head;
  return ref?.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}

function tryGit(context: Context, folder: string, args: readonly string[]): string | undefined {
  try {
    return runGitSync(context, folder, args).toString("utf8").trim();
  } catch (error) {
    if (error instanceof GitError) return undefined;
    throw error;
  }
}
