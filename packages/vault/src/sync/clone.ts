import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { withWriteLock } from "../disk/write-lock.js";
import { VaultError, writeError } from "../errors.js";
import { VAULT_FOLDER } from "../format/layout.js";
import { GitError, isGitError } from "../git/errors.js";
import type { FullRef } from "../git/full-ref.js";
import { markPartialClone, PARTIAL_FETCH } from "../git/partial-clone.js";
import { listRemote } from "../git/remote-refs.js";
import type { RepositoryUrl } from "../git/remote-url.js";
import { GitRepository } from "../git/repository.js";
import { findKeys, type KeyChoice, type Keys } from "../keys/find-key.js";
import { TrustContext } from "../trust/trust-context.js";
import { verifyFetched } from "../trust/verify-fetched.js";
import { askRemote } from "./ask-remote.js";
import { cloneFolders, holdsRepository, newCloneFolder, removeDrafts, removeRemains, type CloneFolder } from "./clone-folder.js";
import type { FetchOutcome } from "./fetch-outcome.js";
import { placeOf, readFetchRecord } from "./fetch-record.js";

/** How long a process waits for another that makes the same clone. */
const CLONE_TIMEOUT_MS = 300_000;
/** How long it waits for another that fetches. */
const FETCH_TIMEOUT_MS = 20_000;

/** The branch that a clone with a ref is on, which is never born: what it follows is that ref. */
const FOLLOWING_BRANCH = "agent-vault";

/**
 * The vault of a repository that is named by its URL, in a clone of its own below the home of keys, or below the system's folder for
 * what is temporary where nothing can be written at home. The clone is made where it is missing or damaged, by one process while others
 * wait; from then on `fetchStates` keeps it up to date. It is a partial one: the vault's files and no others. Nothing of it is ever checked
 * out: what the repository holds is read out of git's objects.
 * @returns the vault's folder
 * @throws VaultError `GIT_FAILED`, `GIT_MISSING`, `VAULT_NOT_FOUND` for a repository without a vault at its root or without the ref,
 *   `UNWRITABLE`, `DISK_FULL`, `BUSY`, and what {@link verifyFetched} throws
 */
export async function cloneOf(context: Context, url: RepositoryUrl, key: KeyChoice): Promise<string> {
  return existingCloneOf(context, url) ?? makeClone(context, url, findKeys(context, key));
}

/** The vault of a clone that was made before, or `undefined`. */
export function existingCloneOf(context: Context, url: RepositoryUrl): string | undefined {
  const folder = existingFolder(context, url);
  return folder && rootOf(folder);
}

/**
 * Makes the clone again where an error says that it is damaged: objects are missing or cannot be read, or git does not know it as a
 * repository. The old one stays until the new one is verified.
 * @returns whether it was made again
 * @throws VaultError as {@link cloneOf}
 */
export async function healClone(context: Context, url: RepositoryUrl, key: KeyChoice, error: unknown): Promise<boolean> {
  if (!isDamage(error)) return false;
  await makeClone(context, url, findKeys(context, key), existingFolder(context, url));
  return true;
}

/** Who asks the remote of a clone. */
export interface Refresh {
  readonly keys: Keys | undefined;
  /** Whether it was asked for on purpose: then a failure is said each time. */
  readonly onPurpose: boolean;
  /** Whether the remote still has to be asked, once other processes are done. */
  readonly isNeeded: () => boolean;
}

/**
 * Asks the remote of a clone, as `fetchStates` does: one process at a time, which first removes what killed ones have left. Where git
 * cannot go on in it, the clone is made again.
 */
export async function refreshClone(
  context: Context,
  url: RepositoryUrl,
  root: string,
  { keys, onPurpose, isNeeded }: Refresh,
): Promise<FetchOutcome> {
  const folder = cloneFolders(context, url).find((folder) => rootOf(folder) === root);
  if (!folder) return askRemote(context, root, { keys, onPurpose });
  const repair = async (error: unknown): Promise<boolean> => {
    if (!isDamage(error) || (await isSound(context, folder))) return false;
    return replaceClone(context, url, folder, keys).then(
      () => true,
      () => false,
    );
  };
  const fetch = async (): Promise<FetchOutcome> => {
    if (!isNeeded()) return "recent";
    removeRemains(folder);
    return askRemote(context, root, { keys, onPurpose, repair });
  };
  try {
    return await withWriteLock(context, folder.locks, fetch, FETCH_TIMEOUT_MS);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    if (error.code === "BUSY") return "recent";
    // What cannot be written can be read all the same.
    if (error.code === "UNWRITABLE" && !(error instanceof GitError)) return askRemote(context, root, { keys, onPurpose });
    throw error;
  }
}

function existingFolder(context: Context, url: RepositoryUrl): CloneFolder | undefined {
  return cloneFolders(context, url).find(holdsRepository);
}

const rootOf = ({ repository }: CloneFolder): string => join(repository, VAULT_FOLDER);

/** What the remote cannot be the reason of, or does not give this clone but may give a new one. */
function isDamage(error: unknown): boolean {
  // By its fields: a program that cannot wait gets its errors from another copy of these modules.
  const { kind, code } = error as Partial<GitError>;
  if (kind !== undefined) return ["other", "cutShort", "notARepository", "bareRepository", "lockHeld", "tooMuchOutput"].includes(kind);
  return code === "GIT_FAILED" || code === "REPOSITORY_NOT_FOUND";
}

/** Whether git finds nothing wrong with a clone but what it was never given: then it is the remote that failed. */
async function isSound(context: Context, { repository }: CloneFolder): Promise<boolean> {
  const clone = await GitRepository.findIfAny(context, repository).catch(() => undefined);
  if (!clone) return false;
  return (await clone.output([...PARTIAL_FETCH, "fsck", "--no-dangling", "--no-progress"])).exit === 0;
}

/** Makes a clone under its lock. @param damaged the one that it replaces, where it is still that one when the lock is held */
async function makeClone(context: Context, url: RepositoryUrl, keys: Keys | undefined, damaged?: CloneFolder): Promise<string> {
  const folder = newCloneFolder(context, url);
  const seen = damaged && birthOf(damaged);
  const make = async () => {
    const present = existingFolder(context, url);
    if (present && (!damaged || birthOf(present) !== seen)) return rootOf(present);
    removeRemains(folder);
    await replaceClone(context, url, folder, keys);
    if (damaged && damaged.repository !== folder.repository) rmSync(damaged.repository, { recursive: true, force: true });
    return rootOf(folder);
  };
  try {
    return await withWriteLock(context, folder.locks, make, CLONE_TIMEOUT_MS);
  } catch (error) {
    throw writeError(error, folder.repository);
  }
}

/** What tells one clone from the next in its place. */
function birthOf({ repository }: CloneFolder): string {
  const { ino, birthtimeMs } = statSync(repository, { throwIfNoEntry: false }) ?? {};
  return `${ino} ${birthtimeMs}`;
}

/** Puts a new clone, once it is verified, in the place of what is there. To be called by the one that holds the lock. */
async function replaceClone(context: Context, url: RepositoryUrl, folder: CloneFolder, keys: Keys | undefined): Promise<void> {
  mkdirSync(folder.drafts, { recursive: true, mode: 0o700 });
  const id = Buffer.from(context.random(6)).toString("hex");
  const draft = join(folder.drafts, `new-${id}`);
  const former = join(folder.drafts, `former-${id}`);
  try {
    await cloneInto(context, url, draft, keys);
    if (existsSync(folder.repository)) renameSync(folder.repository, former);
    renameSync(draft, folder.repository);
  } finally {
    removeDrafts(folder.drafts);
  }
}

/** Clones a repository in part, or as a whole where its remote does not give single files. */
async function cloneInto(context: Context, url: RepositoryUrl, draft: string, keys: Keys | undefined): Promise<void> {
  try {
    await cloneAndVerify(context, url, draft, keys, true);
  } catch (error) {
    if (!isGitError(error, "other", "cutShort")) throw error;
    rmSync(draft, { recursive: true, force: true });
    await cloneAndVerify(context, url, draft, keys, false);
  }
}

async function cloneAndVerify(
  context: Context,
  url: RepositoryUrl,
  draft: string,
  keys: Keys | undefined,
  partial: boolean,
): Promise<void> {
  const repository = await GitRepository.clone(context, url.address, draft, { partial });
  if (partial) await markPartialClone(repository);
  await follow(repository, url);
  const root = join(repository.workTree, VAULT_FOLDER);
  await askRemote(context, root, { keys, mustAnswer: true });
  await verifyClone(new TrustContext(context, root, keys), repository, url);
}

/** Has a clone follow its URL's ref, or without one the vault's main ref, whatever the remote's HEAD names later. */
async function follow(repository: GitRepository, url: RepositoryUrl): Promise<void> {
  const { commit } = await repository.head();
  if (url.ref === undefined) {
    if (commit !== undefined) await repository.run(["update-ref", "--no-deref", "HEAD", commit]);
    return;
  }
  const ref = await fullRefOf(repository, url, url.ref);
  await repository.run(["symbolic-ref", "HEAD", `refs/heads/${FOLLOWING_BRANCH}`]);
  if (commit !== undefined) await repository.run(["update-ref", `refs/heads/${FOLLOWING_BRANCH}`, commit]);
  await repository.run(["config", `branch.${FOLLOWING_BRANCH}.remote`, "origin"]);
  await repository.run(["config", `branch.${FOLLOWING_BRANCH}.merge`, ref]);
}

/** A branch before a tag of the same name. It is asked for once, so that neither later takes the other's place. */
async function fullRefOf(repository: GitRepository, url: RepositoryUrl, ref: string): Promise<FullRef> {
  const candidates = (ref.startsWith("refs/") ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`]) as FullRef[];
  const { refs } = await listRemote(repository, "origin", candidates);
  const found = candidates.find((candidate) => refs.has(candidate));
  if (found) return found;
  throw new VaultError("VAULT_NOT_FOUND", `The repository ${url.address} has no branch or tag ${ref}.`, {
    remedy: "See what it has: git ls-remote URL.",
  });
}

/** Verifies what a clone has fetched. */
async function verifyClone(trust: TrustContext, repository: GitRepository, url: RepositoryUrl): Promise<void> {
  const record = readFetchRecord(trust.root);
  const tip = url.ref === undefined ? record?.home : record?.upstream;
  if (!record || tip?.commit === undefined) throw noVault(url);
  const fetched = await verifyFetched(trust, repository, placeOf(record, tip));
  if (!fetched) throw noVault(url);
  fetched.trusted?.remember();
}

function noVault({ address }: RepositoryUrl): VaultError {
  return new VaultError("VAULT_NOT_FOUND", `The repository ${address} holds no vault at its root.`, {
    remedy: "Check the URL; a vault that lies deeper in a repository is read from a clone of yours.",
  });
}
