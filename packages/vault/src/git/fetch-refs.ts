import { createHash } from "node:crypto";
import { gitFailed, isGitError, type GitError } from "./errors.js";
import { isFullRef, type FullRef } from "./full-ref.js";
import { isPartialClone, PARTIAL_FETCH } from "./partial-clone.js";
import type { RemoteLimits } from "./remote-process.js";
import type { GitRepository } from "./repository.js";

/** A ref of a remote, and the one that keeps here what was fetched of it. */
export interface FetchedRef {
  readonly from: FullRef;
  readonly to: FullRef;
}

/** How much of a remote is fetched, and how long it may take. */
export interface FetchOptions {
  /** So many commits behind each ref. This makes the whole repository a shallow one, so it is for repositories of our own. */
  readonly depth?: number;
  readonly limits?: RemoteLimits;
}

/** Where agent-vault's own refs are, which no person's command moves. */
const OWN_REFS = "refs/agent-vault/";

/** Our own ref for what a ref of a remote was at. @param remote the remote in its one spelling */
export function ownRef(remote: string, ref: FullRef): FullRef {
  const id = createHash("sha256").update(remote).digest("hex").slice(0, 16);
  return `${OWN_REFS}${id}/${ref.slice("refs/".length)}`;
}

/**
 * Fetches refs by their whole names and moves none but those that are named: no tracking ref, no tag, not FETCH_HEAD. A ref may go back, as
 * what may is judged elsewhere. Nobody is asked for a password, and no hook runs.
 * @param remote the name of a remote, or a URL
 * @throws GitError `noSuchRef` where the remote lacks one of them, and nothing is fetched then; `unwritable`, `offline`, `authentication`,
 *   `timedOut` and others
 */
export async function fetchRefs(
  repository: GitRepository,
  remote: string,
  refs: readonly FetchedRef[],
  { depth, limits }: FetchOptions = {},
): Promise<void> {
  if (!refs.every(({ from, to }) => isFullRef(from) && isFullRef(to))) throw new TypeError("A ref to fetch has no whole name.");
  const options = ["--refmap=", "--no-write-fetch-head", "--no-auto-maintenance", "--no-tags", "--no-prune", "--no-recurse-submodules"];
  const partial = isPartialClone(repository.workTree) ? PARTIAL_FETCH : [];
  const config = ["-c", "fetch.output=full", "-c", "fetch.writeCommitGraph=false", ...partial, ...keepingHead(remote)];
  const refspecs = refs.map(({ from, to }) => `+${from}:${to}`);
  const depthOption = depth === undefined ? [] : [`--depth=${depth}`];
  const args = [...config, "fetch", ...options, ...depthOption, "--verbose", "--progress", "--", remote, ...refspecs];
  const fetch = async () => (await repository.askRemote(args, limits)).stderr;
  const said = await fetch().catch(async (error: unknown) => {
    if (!(await removeObstacles(repository, error))) throw error;
    return fetch();
  });
  await requireWholeNames(repository, said, refs);
}

/** Where the branches of a remote are while one looks through them. */
const ALL_BRANCHES = `${OWN_REFS}all/`;

/**
 * Fetches all branches of a remote for as long as `look` takes, a shallow clone with the whole history. No ref is left behind that was not there.
 * @param remote the name of a remote
 * @throws GitError as {@link fetchRefs}
 */
export async function withAllBranches<T>(repository: GitRepository, remote: string, look: () => T): Promise<T> {
  const isShallow = (await repository.run(["rev-parse", "--is-shallow-repository"])).trim() === "true";
  const options = ["--refmap=", "--no-write-fetch-head", "--no-auto-maintenance", "--no-tags", "--no-prune", "--no-recurse-submodules"];
  const config = ["-c", "fetch.writeCommitGraph=false", ...keepingHead(remote)];
  const refspec = `+refs/heads/*:${ALL_BRANCHES}*`;
  try {
    await repository.askRemote([
      ...config,
      "fetch",
      ...options,
      ...(isShallow ? ["--unshallow"] : []),
      "--progress",
      "--",
      remote,
      refspec,
    ]);
    return look();
  } finally {
    const refs = (await repository.run(["for-each-ref", "--format=delete %(refname)", ALL_BRANCHES])).trim();
    if (refs !== "") await repository.run(["update-ref", "--stdin"], { input: Buffer.from(`${refs}\n`) });
  }
}

/** Later versions of git (2.48) make `refs/remotes/NAME/HEAD` with each fetch, where there is none. */
function keepingHead(remote: string): string[] {
  return /^[\w./-]+$/.test(remote) ? ["-c", `remote.${remote}.followRemoteHEAD=never`] : [];
}

/**
 * A branch `a` of the remote that is gone keeps `a/b` from being fetched, and the other way round. Our own refs of what is gone make room.
 * @returns whether there was such a ref
 */
async function removeObstacles(repository: GitRepository, error: unknown): Promise<boolean> {
  if (!isGitError(error, "lockedRef")) return false;
  const obstacles = [...error.stderr.matchAll(/'(refs\/agent-vault\/[^']+)' exists; cannot create/g)].map(([, ref]) => ref!);
  for (const ref of new Set(obstacles)) await repository.run(["update-ref", "-d", ref]);
  return obstacles.length > 0;
}

/**
 * git looks a name that the remote lacks up as an abbreviation, so a tag or branch called `refs/heads/main` would stand in for the branch
 * main that is gone. git's own list says of which ref it was, in its short form.
 */
async function requireWholeNames(repository: GitRepository, said: string, refs: readonly FetchedRef[]): Promise<void> {
  const fetched = new Map([...said.matchAll(/^ .+?\s(\S+) +-> (\S+)/gm)].map(([, from, to]) => [to!, from!]));
  const wrong = refs.filter(({ from, to }) => fetched.has(to) && fetched.get(to) !== from.replace(/^refs\/(?:heads|tags|remotes)\//, ""));
  for (const { to } of wrong) await repository.run(["update-ref", "-d", to]);
  if (wrong.length === 0) return;
  throw noSuchRef(wrong[0]!.from);
}

function noSuchRef(ref: FullRef): GitError {
  return gitFailed({ args: ["fetch"], exit: 128, stderr: `fatal: couldn't find remote ref ${ref}` });
}
