import { dirname, join } from "node:path";
import { VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import type { VaultFiles } from "../files/vault-files.js";
import { VaultFolder } from "../files/vault-folder.js";
import type { FileReader } from "../format/file-source.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import { isObjectId } from "../git/full-ref.js";
import { findGitFolders, readText } from "../git/git-folders.js";
import { GitRepository } from "../git/repository.js";
import { parseJoinedStates } from "../lock/joined-lock.js";
import { tryOpenLock, type SignedLock } from "../lock/open-lock.js";
import { placeOf, type FetchRecord } from "../sync/fetch-record.js";
import { isAtOrBehind } from "../trust/base-state.js";
import type { TrustContext } from "../trust/trust-context.js";
import { openTip, verified, type ChosenState, type OpenFiles } from "./open-fetched.js";
import { changedCommits, isBroken, openBehind, tryWhole } from "./usable-state.js";

/**
 * What is read in place of a work tree whose files are not what was signed: what is committed, or what was fetched, where it is that very state
 * or a newer one. While the person has a merge or a rebase to finish, or git has joined two states and no owner has signed the
 * result, that is what was committed before it.
 * @param record what was fetched; where there is none, only what a merge or a rebase has left is passed over, as nobody but the person can have
 *   edited the files
 * @throws `problem`, which is what is wrong with them, where there is none
 */
export function openInstead<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord | undefined,
  open: OpenFiles<Files>,
  problem: unknown,
): ChosenState<Files> {
  if (problem instanceof VaultError && problem.code === "TOO_NEW") throw problem;
  const isJoined = hasJoined(trust);
  if (!record && !isJoined && repositoryIfAny(trust)?.unfinishedOperation() === undefined) throw problem;
  const lock = tryLock(new VaultFolder(trust.root));
  const commits = [...committedHere(trust), ...(isJoined ? commitsBehind(trust) : [])];
  const committed = commits.map((commit) => () => openCommit(trust, record, commit, open));
  const fetched = record ? [() => openWhole(trust, record, open, lock?.lock.vault)] : [];
  for (const find of [...committed, ...fetched]) {
    const found = tryWhole(find);
    // A lock that nobody signed says nothing.
    if (!found?.trusted || (lock && !isAtOrBehind(lock, found.trusted.lineage))) continue;
    trust.warn(
      "tampered",
      `The vault's files in the work tree are not those of a signed state, so state ${found.trusted.lock.sequence} is read as it was ${found.tip ? "fetched" : "committed"}. ${problem instanceof VaultError ? problem.message : ""}`,
      isJoined
        ? "Until an owner runs agent-vault sync, what the merge brings is not read."
        : "See what was changed: git status. A merge or a rebase that was begun has to be finished first.",
    );
    return found;
  }
  throw problem;
}

/** The state of the ref that the checked-out branch follows, or of the vault's main one, of which every file counts. */
function openWhole<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord,
  open: OpenFiles<Files>,
  vaultId: string | undefined,
): ChosenState<Files> | undefined {
  const tip = record.upstream ?? record.home;
  try {
    const found = openTip(trust, record, tip, open, vaultId);
    found?.files.signed?.requireAll();
    return found;
  } catch (error) {
    if (!isBroken(error)) throw error;
    return openBehind(trust, record, tip!, open, error, vaultId);
  }
}

/** The lock among some files, where its signature is right, by whomever it was made. */
function tryLock(files: FileReader): SignedLock | undefined {
  try {
    return tryOpenLock(files.read(LOCK_FILE), files.read(LOCK_SIGNATURE_FILE));
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

/** Whether git has joined states in the work tree, and no owner has signed the result. */
function hasJoined({ root }: TrustContext): boolean {
  try {
    return parseJoinedStates(new VaultFolder(root).read(LOCK_FILE)) !== undefined;
  } catch (error) {
    if (error instanceof VaultError) return false;
    throw error;
  }
}

/** The commits from before git joined states in HEAD: first those of this branch, then those that came with the merge. */
function commitsBehind(trust: TrustContext): string[] {
  const ways = ["--first-parent", "--full-history"].map((way) => changedCommits(trust, [way, "HEAD"]));
  return [...new Set(ways.flat().map(({ commit }) => commit))];
}

/** What HEAD is at, and what it was at before a rebase. */
function committedHere({ root }: TrustContext): string[] {
  const folders = findGitFolders(dirname(root));
  if (!folders) return [];
  const before = ["rebase-merge", "rebase-apply"].map((folder) => readText(join(folders.gitDir, folder, "orig-head"))?.trim() ?? "");
  return ["HEAD", ...before.filter(isObjectId)];
}

function openCommit<Files extends VaultFiles>(
  trust: TrustContext,
  record: FetchRecord | undefined,
  commit: string,
  open: OpenFiles<Files>,
): ChosenState<Files> {
  const { context, root } = trust;
  const files = open(CommitFiles.open(GitRepository.locate(context, dirname(root)), commit, root));
  const lock = tryLock(files)?.digest;
  const same = [record?.upstream, record?.home].find((tip) => tip?.commit !== undefined && lock !== undefined && tip.lock === lock);
  return verified(trust, files, same && record && placeOf(record, same));
}

function repositoryIfAny({ context, root }: TrustContext): GitRepository | undefined {
  return findGitFolders(dirname(root)) && GitRepository.locate(context, dirname(root));
}
