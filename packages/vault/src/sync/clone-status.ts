import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { classify, LOCK_FILE } from "../format/layout.js";
import { uncommittedFiles } from "../git/changes.js";
import { countApart, readTips } from "../git/refs.js";
import { branchName } from "../git/full-ref.js";
import { GitRepository } from "../git/repository.js";
import type { Keys } from "../keys/find-key.js";
import { findTrustedState, type CommittedState } from "../trust/newest-trusted-state.js";
import { TrustContext } from "../trust/trust-context.js";
import { findUnfinishedMerge } from "../trust/unfinished-merge.js";
import { readFetchRecord } from "./fetch-record.js";

/** How far a branch is from its upstream as it was last fetched. */
export interface UpstreamDistance {
  /** Such as `origin/main`. */
  readonly name: string;
  /** Commits that the upstream lacks. */
  readonly ahead: number;
  /** Commits that the branch lacks. */
  readonly behind: number;
}

/** Where a vault's clone is, as far as it knows without asking its remote. */
export interface CloneStatus {
  /** The branch that is checked out; `undefined` where HEAD is detached. */
  readonly branch: string | undefined;
  /** The vault's main branch; `undefined` where no remote has told it yet. */
  readonly home: string | undefined;
  readonly upstream: UpstreamDistance | undefined;
  /** Whether both the branch and its upstream have commits that the other lacks. */
  readonly diverged: boolean;
  /** When the remote last answered, and when it was last asked. */
  readonly fetchedAt: Date | undefined;
  readonly askedAt: Date | undefined;
  /** Files of the vault that differ from the last commit, or were committed after the last signature. Relative to the vault's folder, sorted. */
  readonly unsigned: readonly string[];
}

/**
 * Looks at the clone around a vault.
 * @param root the vault's folder
 * @returns `undefined` where it is in no repository
 * @throws VaultError `GIT_MISSING`, `GIT_FAILED`
 */
export async function cloneStatus(context: Context, root: string): Promise<CloneStatus | undefined> {
  const repository = await GitRepository.findIfAny(context, dirname(root));
  if (!repository) return undefined;
  const record = readFetchRecord(root);
  const { ref } = await repository.head();
  const upstream = await distance(repository, record?.upstream?.commit);
  const time = (milliseconds: number | undefined) => (milliseconds === undefined ? undefined : new Date(milliseconds));
  return {
    branch: ref === "HEAD" ? undefined : branchName(ref),
    home: record?.home && branchName(record.home.ref),
    upstream,
    diverged: upstream !== undefined && upstream.ahead > 0 && upstream.behind > 0,
    fetchedAt: time(record?.fetchedAt),
    askedAt: time(record?.triedAt),
    unsigned: await unsignedFiles(repository, repository.pathOf(root)),
  };
}

/** The newest state behind HEAD that a trusted owner signed, for what has to be shown although files were edited since. */
export function lastSignedState(context: Context, root: string, keys: Keys | undefined): Promise<CommittedState | undefined> {
  return findTrustedState(new TrustContext({ ...context, warn: () => {} }, root, keys));
}

/** What was fetched last may be in a ref of ours, or in the person's own. */
async function distance(repository: GitRepository, fetched: string | undefined): Promise<UpstreamDistance | undefined> {
  const tips = await readTips(repository);
  if (!tips) return undefined;
  const isNewer = fetched !== undefined && (await countApart(repository, tips.upstream, fetched).catch(() => undefined))?.ahead === 0;
  return { name: tips.name, ...(await countApart(repository, tips.head, isNewer ? fetched : tips.upstream)) };
}

/** A merge of the vault that git has made, and that waits for an owner. */
export interface WaitingMerge {
  readonly commit: string;
  /** The numbers of the states that came together. */
  readonly states: readonly number[];
  /** The names of those who can sign it. */
  readonly owners: readonly string[];
}

/**
 * Looks for a merge of the vault which no owner has signed, in the commit that is checked out unless another is named.
 * @param root the vault's folder
 */
export async function waitingMerge(
  context: Context,
  root: string,
  keys: Keys | undefined,
  revision = "HEAD",
): Promise<WaitingMerge | undefined> {
  const repository = await GitRepository.findIfAny(context, dirname(root));
  if (!repository) return undefined;
  const trust = new TrustContext(context, root, keys, () => {}, {});
  const found = await findUnfinishedMerge(trust, repository, revision).catch((error: unknown) => {
    // Who reads the vault is told what is wrong with it.
    if (error instanceof VaultError) return undefined;
    throw error;
  });
  if (!found) return undefined;
  const joined = [...found.states, ...found.picks.map(({ to }) => to)];
  const names = joined.map(({ signed }) => new Set(signed.lock.owners.map(({ name }) => name)));
  return {
    commit: found.commit,
    states: joined.map(({ signed }) => signed.lock.sequence),
    owners: [...names[0]!].filter((name) => names.every((owners) => owners.has(name))),
  };
}

async function unsignedFiles(repository: GitRepository, folder: string): Promise<string[]> {
  const lastCommit = async (path: string) =>
    (await repository.try(["log", "-1", "--format=%H", "HEAD", "--", `:(top,literal)${path}`]))?.trim() || undefined;
  const [signed, changed] = [await lastCommit(`${folder}/${LOCK_FILE}`), await lastCommit(folder)];
  const since =
    signed === undefined || signed === changed
      ? ""
      : await repository.run(["diff", "--name-only", "-z", "--no-renames", signed, "HEAD", "--", `:(top,literal)${folder}`]);
  const committed = since
    .split("\0")
    .filter(Boolean)
    .map((file) => file.slice(folder.length + 1));
  const uncommitted = (await uncommittedFiles(repository, folder)).map(({ file }) => file);
  return [...new Set([...committed, ...uncommitted])].filter((file) => classify(file).kind !== "stray").toSorted();
}
