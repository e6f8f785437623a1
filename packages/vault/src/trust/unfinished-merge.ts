import { isVerificationError, VaultError, type ErrorCode } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import type { GitRepository } from "../git/repository.js";
import { digestOf, type Digest } from "../lock/digest.js";
import { parseJoinedStates, type JoinedStates } from "../lock/joined-lock.js";
import { tryOpenLock } from "../lock/open-lock.js";
import { refuseSuperseded } from "./freshness.js";
import { readTrustedState, type CommittedState } from "./newest-trusted-state.js";
import type { TrustContext } from "./trust-context.js";
import { verifyByFormerOwner } from "./verify-by-former-owner.js";

/** How many commits behind one are looked at, of those that changed the vault. */
const MAX_COMMITS = 512;
/** What a commit is that git made of two others, or that was changed by hand: all that is behind it may be whole. Another signer is more than that. */
const HALF_MADE: ReadonlySet<ErrorCode> = new Set(["TAMPERED", "BAD_SIGNATURE", "UNSIGNED", "LINK_IN_VAULT", "DAMAGED", "INVALID_CONFIG"]);

/** What one state changed of another, to be repeated on top of what is joined. */
export interface Picked {
  readonly to: CommittedState;
  readonly from: CommittedState;
}

/** States that git has brought together in a commit, by its merge of files, and that no owner has signed as one. */
export interface UnfinishedMerge {
  /** The commit that holds them. */
  readonly commit: string;
  /** The digest of what stands in its `vault.lock`. */
  readonly lock: Digest | undefined;
  /** Those that none of the others has behind it, what was here first. */
  readonly states: readonly [CommittedState, ...CommittedState[]];
  readonly picks: readonly Picked[];
  /** States that the commit names and that no commit in this clone holds. */
  readonly missing: readonly Digest[];
  /** Commits that changed the vault and were neither signed nor made by a merge: what they changed is in none of the states. */
  readonly edits: readonly string[];
}

/**
 * Finds the states that came together in a commit whose vault no owner has signed: out of the commits behind it, and, where git made it
 * once more on another branch (a rebase, a squash, a cherry-pick), by what our merge driver has written down. What the driver says is taken for
 * no more than the names of states: each is looked up, with its signature and all its files.
 * @returns `undefined` where the commit's vault is a signed state, or nothing came together in it
 * @throws VaultError as `verifyState` where a state behind it is by a stranger, `ROLLBACK` where one of its sides takes newer states back
 */
export async function findUnfinishedMerge(
  trust: TrustContext,
  repository: GitRepository,
  revision = "HEAD",
): Promise<UnfinishedMerge | undefined> {
  const commit = await repository.commitAt(revision);
  // Most are, and no history is walked.
  if (await isWhole(trust, repository, commit)) return undefined;
  const behind = await commitsBehind(repository, repository.pathOf(trust.root), commit);
  const found = await walk(trust, repository, behind);
  const { joined, lock, edits } = found;
  const whole = [...found.whole];
  const missing: Digest[] = [];
  for (const digest of found.named) {
    if (whole.some(({ signed }) => signed.digest === digest || signed.lineage.lists(digest) === true)) continue;
    const state = await findState(trust, repository, digest, whole[0]);
    if (state) whole.push(state);
    else missing.push(digest);
  }
  const states = whole.filter(({ signed }, index) => !isBehindAny(signed.digest, whole, index));
  const picks: Picked[] = [];
  for (const { to, from } of joined?.picks ?? []) {
    const [toState, fromState] = [await findState(trust, repository, to, whole[0]), await findState(trust, repository, from, whole[0])];
    if (toState && fromState) picks.push({ to: toState, from: fromState });
    else missing.push(...(toState ? [] : [to]), ...(fromState ? [] : [from]));
  }
  const [first, ...more] = states;
  if (!first || (!joined && more.length === 0)) return undefined;
  for (const { commit: at, signed } of states) refuseSuperseded(trust, signed, at);
  return { commit, lock, states: [first, ...more], picks, missing, edits };
}

function isBehindAny(digest: Digest, states: readonly CommittedState[], own: number): boolean {
  return states.some(({ signed }, index) => (signed.digest === digest ? index < own : signed.lineage.lists(digest) === true));
}

interface Walked {
  readonly whole: readonly CommittedState[];
  /** States that commits name which are none themselves. */
  readonly named: ReadonlySet<Digest>;
  /** What the newest of them has joined, by its own word. */
  readonly joined: JoinedStates | undefined;
  readonly lock: Digest | undefined;
  readonly edits: readonly string[];
}

/** Goes back from a commit to the first whole states on each way. */
async function walk(trust: TrustContext, repository: GitRepository, commits: ReadonlyMap<string, readonly string[]>): Promise<Walked> {
  const whole: CommittedState[] = [];
  const named = new Set<Digest>();
  const edits: string[] = [];
  let joined: JoinedStates | undefined;
  let newest: Digest | undefined;
  const seen = new Set<string>();
  const untrusted: { commit: string; error: unknown }[] = [];
  const left = [...commits.keys()].slice(0, 1);
  for (let commit = left.pop(); commit !== undefined; commit = left.pop()) {
    if (seen.has(commit)) continue;
    seen.add(commit);
    try {
      const state = await readWhole(trust, repository, commit, whole[0]);
      if (state) whole.push(state);
      if (state) continue;
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== "UNTRUSTED_SIGNER") throw error;
      untrusted.push({ commit, error });
      continue;
    }
    const parents = commits.get(commit) ?? [];
    const [lock, signature] = locksAt(trust, repository, commit);
    const own = parseJoinedStates(lock);
    const signed = own ? undefined : tryOpenLock(lock, signature);
    if (seen.size === 1) joined = own;
    if (seen.size === 1 && lock) newest = digestOf(lock);
    for (const digest of own?.states ?? (signed ? [signed.digest] : [])) named.add(digest);
    if (parents.length === 1 && !own && !(signed && !(await isLockOf(trust, repository, parents[0]!, signed.digest)))) edits.push(commit);
    // What comes last is looked at next, and the first parent is what was here.
    left.push(...parents.toReversed());
  }
  // Whether an owner who is none any more signed it, only a state tells that was found after it.
  for (const { commit, error } of untrusted) {
    const [state] = whole.flatMap((here) => byFormerOwner(trust, repository, commit, here) ?? []);
    if (!state) throw error;
    whole.push(state);
  }
  return { whole, named, joined, lock: newest, edits };
}

async function isWhole(trust: TrustContext, repository: GitRepository, commit: string): Promise<boolean> {
  try {
    return (await readWhole(trust, repository, commit, undefined)) !== undefined;
  } catch (error) {
    if (error instanceof VaultError && error.code === "UNTRUSTED_SIGNER") return false;
    throw error;
  }
}

/** @param here a state that is trusted already @throws VaultError where the state is another's */
async function readWhole(
  trust: TrustContext,
  repository: GitRepository,
  commit: string,
  here: CommittedState | undefined,
): Promise<CommittedState | undefined> {
  try {
    return await readTrustedState(trust, repository, commit);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    if (error.code === "VAULT_NOT_FOUND" || HALF_MADE.has(error.code)) return undefined;
    const former = error.code === "UNTRUSTED_SIGNER" && here ? byFormerOwner(trust, repository, commit, here) : undefined;
    if (former) return former;
    throw error;
  }
}

function byFormerOwner(trust: TrustContext, repository: GitRepository, commit: string, here: CommittedState): CommittedState | undefined {
  try {
    const found = verifyByFormerOwner(trust, repository, commit, here.signed.lineage);
    return found?.trusted && { commit, signed: found.trusted, state: found.state };
  } catch (error) {
    if (isVerificationError(error)) return undefined;
    throw error;
  }
}

/** A state by its digest, whole, out of the commit of this clone that has it so. */
async function findState(
  trust: TrustContext,
  repository: GitRepository,
  digest: Digest,
  here: CommittedState | undefined,
): Promise<CommittedState | undefined> {
  for (const commit of trust.history.commitsWith(digest)) {
    const state = await readWhole(trust, repository, commit, here);
    if (state?.signed.digest === digest) return state;
  }
  return undefined;
}

function locksAt(trust: TrustContext, repository: GitRepository, commit: string): (Uint8Array | undefined)[] {
  try {
    const files = CommitFiles.open(repository, commit, trust.root);
    return [LOCK_FILE, LOCK_SIGNATURE_FILE].map((file) => files.read(file));
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    return [];
  }
}

async function isLockOf(trust: TrustContext, repository: GitRepository, commit: string, digest: Digest): Promise<boolean> {
  const [lock, signature] = locksAt(trust, repository, commit);
  return tryOpenLock(lock, signature)?.digest === digest;
}

/** The commits behind one that changed the vault, and all merges, each with those of them that come before it. The newest is first. */
async function commitsBehind(repository: GitRepository, folder: string, commit: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const range = ["--topo-order", "--full-history", "--parents", `--max-count=${MAX_COMMITS}`, commit];
  const lines = (await repository.run(["rev-list", ...range, "--", `:(top,literal)${folder}`])).split("\n").filter(Boolean);
  return new Map(lines.map((line) => line.split(" ")).map(([id, ...parents]) => [id!, parents]));
}
