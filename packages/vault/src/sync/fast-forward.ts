import { dirname } from "node:path";
import type { Context } from "../context.js";
import { withWriteLock } from "../disk/write-lock.js";
import { VaultError } from "../errors.js";
import { NO_HOOKS } from "../git/environment.js";
import { isGitError } from "../git/errors.js";
import { changeFolder } from "../git/git-folders.js";
import { countApart, readTips, type Tips } from "../git/refs.js";
import { GitRepository } from "../git/repository.js";
import type { Keys } from "../keys/find-key.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { plural } from "../text/counts.js";
import { pullCache, wasFetchedWithin } from "./pull-cache.js";
import { formatReason, NOT_PULLED, type PullOutcome } from "./pull-outcome.js";

/** The longest time that a vault's `pull_interval` can keep readers from fetching. */
const MAX_INTERVAL_S = 86_400;

/** A vault in a repository that has a remote. */
interface PulledVault {
  readonly context: Context;
  readonly root: string;
  readonly repository: GitRepository;
  readonly intervalS: number;
}

/** Fetches where that is due, verifies what the upstream offers, and moves the branch to it where it can be moved. @throws as `pull` */
export async function fastForward(context: Context, root: string, always: boolean, keys: Keys | undefined): Promise<PullOutcome> {
  const repository = await GitRepository.find(context, dirname(root));
  if (repository.unfinishedOperation()) return "unfinished";
  const before = await readTips(repository);
  if (!before) return "no-remote";
  const vault: PulledVault = { context, root, repository, intervalS: await pullInterval(root) };
  const isDue = always || !wasFetchedWithin(context, repository.gitDir, vault.intervalS);
  const fetched = isDue ? await fetchOrWarn(vault) : "recent";

  // Another process may have fetched, so the upstream can be ahead also where nothing was fetched here.
  const tips = (isDue ? await readTips(repository) : undefined) ?? before;
  if (tips.head === tips.upstream && fetched === "recent") return upToDate(vault, fetched);
  const { ahead, behind } = await countApart(repository, tips.head, tips.upstream);
  if (!(await verifyOffered(vault, tips.upstream, keys, behind !== 0 && ahead === 0))) return "no-remote";
  if (behind === 0) return fetched === "offline" ? fetched : upToDate(vault, fetched);
  if (ahead !== 0) return warnOfDivergence(vault, tips);
  return (await warnIfDirty(vault, tips)) ?? (await merge(vault, tips, behind));
}

async function fetchOrWarn({ context, root, repository }: PulledVault): Promise<"current" | "recent" | "offline"> {
  try {
    await repository.fetch();
    return "current";
  } catch (error) {
    // Another process is fetching the same.
    if (isGitError(error, "lockedRef")) return "recent";
    pullCache.warnOnce(context, root, "offline", `${NOT_PULLED}: ${formatReason(error)}`);
    return "offline";
  }
}

/**
 * @param inFull with all files, as must be before they come into the work tree
 * @returns `false` where the branch follows no remote's branch
 */
async function verifyOffered(vault: PulledVault, commit: string, keys: Keys | undefined, inFull: boolean): Promise<boolean> {
  const { context, root, repository } = vault;
  const [{ findUpstream }, { verifyUpstream }, { TrustContext }] = await Promise.all([
    import("../trust/upstream.js"),
    import("../trust/compare-remote.js"),
    import("../trust/trust-context.js"),
  ]);
  const upstream = await findUpstream(repository);
  if (!upstream) return false;
  const trust = new TrustContext(context, root, keys ?? findVaultKeys(context, root));
  await verifyUpstream(repository, upstream, commit, trust, { inFull });
  return true;
}

function warnOfDivergence({ context, root }: PulledVault, { name }: Tips): PullOutcome {
  const message = `This branch and ${name} have diverged, so nothing was pulled. Bring them together with git, then push.`;
  return pullCache.warnOnce(context, root, "diverged", message);
}

async function warnIfDirty({ context, root, repository }: PulledVault, { name }: Tips): Promise<PullOutcome | undefined> {
  const folder = repository.pathOf(root);
  const status = await repository.run(["status", "--porcelain", "-z", "--", `:(top,literal)${folder}`]);
  if (status === "") return undefined;
  const message = `The vault has uncommitted changes, so ${name} was not pulled. Commit or undo them (git status ${folder}).`;
  return pullCache.warnOnce(context, root, "dirty", message);
}

async function merge(vault: PulledVault, { name, upstream }: Tips, behind: number): Promise<PullOutcome> {
  const { context, root, repository } = vault;
  try {
    await withWriteLock(context, changeFolder(repository.gitDir), () =>
      repository.run([...NO_HOOKS, "merge", "--ff-only", "--no-overwrite-ignore", "--quiet", upstream]),
    );
  } catch (error) {
    return pullCache.warnOnce(context, root, "refused", `${name} could not be pulled: ${formatReason(error)}`);
  }
  context.note?.(`Pulled ${plural(behind, "commit")} from ${name}.`);
  return upToDate(vault, "pulled");
}

function upToDate({ root, repository, intervalS }: PulledVault, outcome: PullOutcome): PullOutcome {
  pullCache.markUpToDate(root, repository.gitDir, intervalS);
  return outcome;
}

/** In seconds. A configuration that cannot be read, which may be mended upstream, keeps nobody from fetching. */
async function pullInterval(root: string): Promise<number> {
  const { VaultState } = await import("../files/vault-state.js");
  try {
    return Math.min(new VaultState(root).config.settings.pull_interval, MAX_INTERVAL_S);
  } catch (error) {
    if (error instanceof VaultError) return 0;
    throw error;
  }
}
