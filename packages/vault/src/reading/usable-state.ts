import { dirname } from "node:path";
import { isVerificationError, VaultError, type ErrorCode } from "../errors.js";
import { maxBytesOf } from "../files/limits.js";
import type { VaultFiles } from "../files/vault-files.js";
import { GitError } from "../git/errors.js";
import { branchName } from "../git/full-ref.js";
import { readContentsSync } from "../git/objects-sync.js";
import { GitRepository } from "../git/repository.js";
import { LOCK_FILE } from "../format/layout.js";
import { tryOpenLock, type SignedLock } from "../lock/open-lock.js";
import type { FetchedTip, FetchRecord } from "../sync/fetch-record.js";
import { isAtOrBehind } from "../trust/base-state.js";
import { statesOn, statesOnHome } from "../trust/memory.js";
import { readMemory } from "../trust/memory-store.js";
import { findMovedVault } from "../trust/moved-vault.js";
import { lockFilesOf, newerStateAmong } from "../trust/newer-state.js";
import type { TrustContext } from "../trust/trust-context.js";
import { openTip, type ChosenState, type OpenFiles } from "./open-fetched.js";

/** How many commits that changed the vault are looked at behind a ref. */
const MAX_COMMITS = 64;
/** What a merge by a host, an edit in a browser and a bot leave behind. */
const BROKEN: ReadonlySet<ErrorCode> = new Set(["TAMPERED", "BAD_SIGNATURE", "LINK_IN_VAULT", "DAMAGED"]);
/** What a merge may leave behind, too. Where one commit with one parent did that, it looks like an attack and nothing else, and is an error. */
const BROKEN_BY_MERGE: ReadonlySet<ErrorCode> = new Set(["UNSIGNED", "ROLLBACK", "FORKED"]);

/**
 * The state of a ref as it was fetched. Where a host, a web editor or a bot has made something of the vault that nobody signed, or has deleted
 * it, it is the newest whole state behind that on the ref, if it is or lists all that is remembered of the ref.
 * @returns `undefined` where there is no vault
 * @throws VaultError as `verifyState`
 */
export function openFetched<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  tip: FetchedTip | undefined,
  open: OpenFiles<Files>,
  vaultId?: string,
): ChosenState<Files> | undefined {
  let problem: VaultError | undefined;
  try {
    const found = openTip(trust, record, tip, open, vaultId);
    if (found || !tip || !isDeleted(trust, record, tip, vaultId ?? record.vault)) return found;
  } catch (error) {
    if (!isBroken(error)) throw error;
    problem = error;
  }
  const behind = openBehind(trust, record, tip!, open, problem, vaultId);
  if (behind || !problem) return behind;
  throw problem;
}

/** Whether something other than an owner may have left a vault like this. */
export function isBroken(error: unknown): error is VaultError {
  return error instanceof VaultError && (BROKEN.has(error.code) || BROKEN_BY_MERGE.has(error.code));
}

/**
 * The newest whole state behind a ref's commit, with a warning that names the first commit after it.
 * @param problem what is wrong with that commit's vault; absent where it has none
 * @returns `undefined` where there is none, and in strict mode on the vault's main branch
 */
export function openBehind<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  tip: FetchedTip,
  open: OpenFiles<Files>,
  problem: VaultError | undefined,
  vaultId?: string,
): ChosenState<Files> | undefined {
  if (tip.commit === undefined || (trust.isStrict && tip.isHome)) return undefined;
  const { newest, behind } = signedCommits(trust, tip.commit);
  const all = [newest, ...behind.map(({ signed }) => signed)];
  for (const { commit, signed } of behind) {
    if (newerStateAmong(all, signed)) continue;
    const found = tryWhole(() => openTip(trust, record, { ...tip, commit, superseded: undefined }, open, vaultId));
    if (!found?.trusted) continue;
    const first = firstCommitAfter(trust, commit, tip.commit);
    if (!first || !mayBePassedOver(problem, first, found.trusted, newest)) return undefined;
    const { ref } = tip;
    trust.warn(
      "tampered",
      `Commit ${first.commit.slice(0, 12)} on the branch ${branchName(ref)} ${problem ? "changed the vault, and no owner signed the result" : "deleted the vault"}, so state ${found.trusted.lock.sequence} from before it is read.${problem ? ` ${problem.message}` : ""}`,
      problem ? "An owner runs agent-vault sync there, or takes that commit back." : "If that was a mistake, take that commit back.",
    );
    return found;
  }
  return undefined;
}

function mayBePassedOver(
  problem: VaultError | undefined,
  first: ChangedCommit,
  found: NonNullable<ChosenState<VaultFiles>["trusted"]>,
  newest: SignedLock | undefined,
): boolean {
  if (first.isMerge || !problem) return true;
  // A commit on top of a state leaves that one's lock, or none that is right.
  return BROKEN.has(problem.code) && (newest === undefined || isAtOrBehind(newest, found.lineage));
}

/** Whether a ref had a vault, as far as this machine remembers, and has none in its commit, nor in another folder of it. */
function isDeleted(
  trust: TrustContext,
  { remote }: FetchRecord,
  { ref, isHome, commit }: FetchedTip,
  vaultId: string | undefined,
): boolean {
  const memory = vaultId === undefined || commit === undefined ? undefined : readMemory(trust.context, vaultId);
  const seen = memory ? (isHome ? statesOnHome : statesOn)(memory, remote, ref) : [];
  return seen.length > 0 && findMovedVault(repositoryOf(trust), commit!, vaultId!) === undefined;
}

/** A commit that changed the vault. */
export interface ChangedCommit {
  readonly commit: string;
  readonly isMerge: boolean;
}

interface SignedCommit {
  readonly commit: string;
  readonly signed: SignedLock;
}

/**
 * The locks with right signatures of a commit and of those behind it that changed the vault: of the latter that with the highest sequence first,
 * and of two that were made at one time that which was on the ref before it came to the other by a merge.
 */
function signedCommits(
  trust: TrustContext,
  tip: string,
): { readonly newest: SignedLock | undefined; readonly behind: readonly SignedCommit[] } {
  const revisions = ["--first-parent", "--full-history"].flatMap((order) => changedCommits(trust, [order, tip]));
  const commits = [...new Set([tip, ...revisions.map(({ commit }) => commit)])];
  const repository = repositoryOf(trust);
  const names = commits.flatMap((commit) => lockFilesOf(commit, repository.pathOf(trust.root)));
  const files = readContentsSync((args, options) => repository.runSync(args, options), names, maxBytesOf(LOCK_FILE));
  const [newest, ...behind] = commits.map((commit, index) => ({ commit, signed: tryOpenLock(files[2 * index], files[2 * index + 1]) }));
  const withLock = behind.filter((one): one is SignedCommit => one.signed !== undefined);
  return { newest: newest!.signed, behind: withLock.toSorted((a, b) => b.signed.lock.sequence - a.signed.lock.sequence) };
}

/** The first of the commits on the way from one to another that changed the vault. */
function firstCommitAfter(trust: TrustContext, commit: string, tip: string): ChangedCommit | undefined {
  return changedCommits(trust, ["--full-history", "--ancestry-path", `${commit}..${tip}`]).at(-1);
}

/** Commits that changed the vault, the newest first. */
export function changedCommits(trust: TrustContext, revisions: readonly string[]): ChangedCommit[] {
  const repository = repositoryOf(trust);
  const args = ["rev-list", "--topo-order", `--max-count=${MAX_COMMITS}`, "--format=%H %P", ...revisions];
  try {
    const listing = repository.runSync([...args, "--", `:(top,literal)${repository.pathOf(trust.root)}`]).toString("latin1");
    const lines = listing.split("\n").filter((line) => line !== "" && !line.startsWith("commit "));
    return lines.map((line) => line.split(" ")).map(([id, , second]) => ({ commit: id!, isMerge: second !== undefined }));
  } catch (error) {
    if (error instanceof GitError) return [];
    throw error;
  }
}

const UNREADABLE: ReadonlySet<ErrorCode> = new Set(["DAMAGED", "VAULT_NOT_FOUND", "GIT_FAILED", "GIT_MISSING", "INVALID_CONFIG"]);

/** A state of which every file is what was signed; `undefined` where it is none. */
export function tryWhole<Files extends VaultFiles>(find: () => ChosenState<Files> | undefined): ChosenState<Files> | undefined {
  try {
    const found = find();
    found?.files.signed?.requireAll();
    return found;
  } catch (error) {
    if (isVerificationError(error) || (error instanceof VaultError && UNREADABLE.has(error.code))) return undefined;
    throw error;
  }
}

function repositoryOf({ context, root }: TrustContext): GitRepository {
  return GitRepository.locate(context, dirname(root));
}
