import { lstatSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Context } from "../context.js";
import { isSystemError, isVerificationError, VaultError } from "../errors.js";
import { statFingerprint } from "../disk/stat-fingerprint.js";
import { VaultFolder } from "../files/vault-folder.js";
import type { GitRepository } from "../git/repository.js";
import { findKeys, type Keys } from "../keys/key-files.js";
import { vaultIdIn } from "../lock/open-lock.js";
import { VaultTrust } from "../trust/vault-trust.js";

/** What a pull came to. All but `pulled` leave the work tree as it was. */
export type PullOutcome =
  | "pulled"
  | "current"
  | "recent"
  | "no-remote"
  | "offline"
  | "dirty"
  | "diverged"
  | "unfinished"
  | "refused"
  | "failed";

/** The longest time that a vault's `pull_interval` can keep readers from fetching, in seconds. */
const MAX_INTERVAL = 86_400;

/** The pulls of this process that are under way, by the vault's folder. */
const pulls = new Map<string, { always: boolean; outcome: Promise<PullOutcome> }>();

/** What was said of a vault since it was last up to date; a program that reads on need not hear it with each secret. */
const said = new Map<string, Set<PullOutcome>>();

/** How git's folder looked when nothing was left to pull, by the vault's folder: while it looks like that, git need not be asked again. */
const settled = new Map<string, { readonly gitDir: string; readonly interval: number; readonly marks: string }>();

export interface PullOptions {
  /** Fetch also where the last fetch is younger than the vault's `pull_interval`. */
  readonly always?: boolean;
  /** The identities at hand, for what they say of the vault's owner; otherwise those in the usual places. */
  readonly keys?: Keys | undefined;
}

/**
 * Brings the vault's branch up to date with its upstream by a fast-forward, and in no other way: nothing is reset or merged, and a
 * vault with uncommitted changes is left alone. What prevents it is a warning, said once, since the local state can still be read.
 * What the upstream offers is verified before any of it reaches the work tree, and whether or not it will: that is an error.
 * Calls for the same vault while one is under way share it.
 * @param root absolute path of the vault's folder
 * @throws VaultError the codes of {@link VaultTrust.verifyRemote}
 */
export function pull(context: Context, root: string, { always = false, keys }: PullOptions = {}): Promise<PullOutcome> {
  const running = pulls.get(root);
  if (running && (running.always || !always)) return running.outcome;
  const outcome = Promise.resolve(running?.outcome)
    .then(() => pullNow(context, root, always, keys))
    .finally(() => {
      if (pulls.get(root)?.outcome === outcome) pulls.delete(root);
    });
  pulls.set(root, { always, outcome });
  return outcome;
}

async function pullNow(context: Context, root: string, always: boolean, keys: Keys | undefined): Promise<PullOutcome> {
  try {
    const outcome = await fastForward(context, root, always, keys);
    if (outcome === "pulled" || outcome === "current") said.delete(root);
    return outcome;
  } catch (error) {
    if (isVerificationError(error)) throw error;
    return warnOnce(context, root, "failed", `${NOT_PULLED}: ${reasonOf(error)}`);
  }
}

async function fastForward(context: Context, root: string, always: boolean, keys: Keys | undefined): Promise<PullOutcome> {
  const folder = dirname(root);
  if (!mayHaveRemote(folder)) return "no-remote";
  if (!always && isSettled(context, root)) return "recent";
  const [{ GitRepository, NO_HOOKS }, { withWriteLock }] = await Promise.all([
    import("../git/repository.js"),
    import("../disk/write-lock.js"),
  ]);
  const repository = await GitRepository.find(context, folder);
  if (repository.unfinishedOperation()) return "unfinished";
  let tips = await readTips(repository);
  if (!tips) return "no-remote";

  let unchanged: PullOutcome = "recent";
  const interval = await pullInterval(root);
  const settle = (outcome: PullOutcome) => {
    settled.set(root, { gitDir: repository.gitDir, interval, marks: statFingerprint(repository.gitDir, GIT_MARKS) });
    return outcome;
  };
  if (always || !isRecent(context, repository.gitDir, interval)) {
    try {
      await repository.fetch();
      unchanged = "current";
    } catch (error) {
      // Another process is fetching the same.
      const isDoneElsewhere = error instanceof VaultError && error.message.includes("cannot lock ref");
      unchanged = isDoneElsewhere ? "recent" : warnOnce(context, root, "offline", `${NOT_PULLED}: ${reasonOf(error)}`);
    }
    tips = (await readTips(repository)) ?? tips;
  }

  // Somebody else may have fetched, so the upstream can be ahead also where nothing was fetched here.
  const { head, upstream, name } = tips;
  if (head === upstream && unchanged === "recent") return settle(unchanged);
  const { findUpstream, verifyUpstream } = await import("../trust/upstream.js");
  const source = await findUpstream(repository);
  if (!source) return "no-remote";
  const trust = new VaultTrust(context, root, keys ?? findKeys(context, { vaultId: () => vaultIdIn(new VaultFolder(root)) }));
  const { ahead, behind } = await distance(repository, head, upstream);
  await verifyUpstream(repository, root, source, upstream, trust, { inFull: behind !== 0 && ahead === 0 });
  if (behind === 0) return unchanged === "offline" ? unchanged : settle(unchanged);
  if (ahead !== 0)
    return warnOnce(
      context,
      root,
      "diverged",
      `This branch and ${name} have diverged, so nothing was pulled. Bring them together with git, then push.`,
    );
  const vault = repository.pathOf(root);
  const status = await repository.run(["status", "--porcelain", "-z", "--", `:(top,literal)${vault}`]);
  if (status !== "")
    return warnOnce(
      context,
      root,
      "dirty",
      `The vault has uncommitted changes, so ${name} was not pulled. Commit or undo them (git status ${vault}).`,
    );
  try {
    await withWriteLock(context, join(repository.gitDir, "agent-vault"), () =>
      repository.run([...NO_HOOKS, "merge", "--ff-only", "--no-overwrite-ignore", "--quiet", upstream]),
    );
  } catch (error) {
    return warnOnce(context, root, "refused", `${name} could not be pulled: ${reasonOf(error)}`);
  }
  context.note?.(`Pulled ${behind} commit${behind === 1 ? "" : "s"} from ${name}.`);
  return settle("pulled");
}

function isSettled(context: Context, root: string): boolean {
  const seen = settled.get(root);
  return seen !== undefined && isRecent(context, seen.gitDir, seen.interval) && statFingerprint(seen.gitDir, GIT_MARKS) === seen.marks;
}

/** What changes with each fetch, commit, checkout and reset, by whomever. */
const GIT_MARKS = ["FETCH_HEAD", "HEAD", "logs/HEAD"];

/** How a branch stands to its upstream as it was last fetched. */
export interface UpstreamDistance {
  /** Such as `origin/main`. */
  readonly name: string;
  /** Commits that the upstream lacks, and that the branch lacks. */
  readonly ahead: number;
  readonly behind: number;
}

/**
 * How the branch that is checked out stands to its upstream, without asking the remote; `undefined` where there is none.
 * @param root absolute path of the vault's folder
 * @throws VaultError `REPOSITORY_NOT_FOUND`, `GIT_MISSING`, `GIT_FAILED`
 */
export async function upstreamDistance(context: Context, root: string): Promise<UpstreamDistance | undefined> {
  const { GitRepository } = await import("../git/repository.js");
  const repository = await GitRepository.find(context, dirname(root));
  const tips = await readTips(repository);
  return tips && { name: tips.name, ...(await distance(repository, tips.head, tips.upstream)) };
}

async function distance(repository: GitRepository, head: string, upstream: string): Promise<{ ahead: number; behind: number }> {
  const counts = await repository.run(["rev-list", "--left-right", "--count", `${head}...${upstream}`]);
  const [ahead, behind] = counts.trim().split("\t").map(Number);
  return { ahead: ahead!, behind: behind! };
}

const NOT_PULLED = "The vault could not be pulled, so this is the local state";

function warnOnce(context: Context, root: string, outcome: PullOutcome, message: string): PullOutcome {
  const outcomes = said.get(root) ?? new Set();
  said.set(root, outcomes);
  if (!outcomes.has(outcome)) context.warn(message);
  outcomes.add(outcome);
  return outcome;
}

/** Looks for a remote in the repository's own configuration, without git: most reads end here. */
export function mayHaveRemote(folder: string): boolean {
  for (; ; folder = dirname(folder)) {
    const git = lstatSync(join(folder, ".git"), { throwIfNoEntry: false });
    if (git?.isDirectory()) return configuration(folder)?.includes("[remote ") ?? true;
    if (git) return true;
    if (folder === dirname(folder)) return false;
  }
}

/** What cannot be read here is left to git and its words. */
function configuration(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, ".git", "config"), "utf8");
  } catch {
    return undefined;
  }
}

/** The commits of the branch that is checked out and of its upstream, or `undefined` where one of the two is missing. */
async function readTips(repository: GitRepository): Promise<{ head: string; upstream: string; name: string } | undefined> {
  const output = await repository.try(["rev-parse", "HEAD", "@{upstream}", "--abbrev-ref", "@{upstream}"]);
  const [head, upstream, name] = output?.trimEnd().split("\n") ?? [];
  return head && upstream && name ? { head, upstream, name } : undefined;
}

/** In seconds. A configuration that cannot be read, which may be mended upstream, keeps nobody from fetching. */
async function pullInterval(root: string): Promise<number> {
  const { VaultState } = await import("../files/vault-state.js");
  try {
    return Math.min(new VaultState(root).config.settings.pull_interval, MAX_INTERVAL);
  } catch (error) {
    if (error instanceof VaultError) return 0;
    throw error;
  }
}

/** Whether git last fetched within `seconds`, successfully or not: it touches FETCH_HEAD each time. A time to come says nothing. */
function isRecent(context: Context, gitDir: string, seconds: number): boolean {
  const fetched = statSync(join(gitDir, "FETCH_HEAD"), { throwIfNoEntry: false });
  if (!fetched) return false;
  const age = context.now().getTime() - fetched.mtimeMs;
  return age >= 0 && age < seconds * 1000;
}

function reasonOf(error: unknown): string {
  if (error instanceof VaultError) return error.message;
  if (isSystemError(error)) return `${error.path ?? "a file"} could not be used (${error.code}).`;
  throw error;
}
