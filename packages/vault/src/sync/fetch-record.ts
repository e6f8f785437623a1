import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { replaceFile } from "../disk/atomic-file.js";
import { statFingerprint } from "../disk/stat-fingerprint.js";
import { isSystemError, VaultError } from "../errors.js";
import { CONFIG_FILE } from "../format/layout.js";
import { changeFolder, findGitFolders, readText, type GitFolders } from "../git/git-folders.js";
import type { FullRef } from "../git/full-ref.js";
import { digestOf, type Digest } from "../lock/digest.js";
import type { FetchedPlace } from "../trust/place.js";
import type { StateRef } from "../lock/state-ref.js";

/** A remote's ref as it was fetched. */
export interface FetchedTip {
  /** Its full name on the remote, such as `refs/heads/main`. */
  readonly ref: FullRef;
  /** Whether it is the vault's main one. */
  readonly isHome?: boolean;
  /** Absent where the remote has no such ref. */
  readonly commit?: string | undefined;
  /** The digest of the `vault.lock` in that commit, by whomever it was signed; absent where it has no vault. */
  readonly lock?: Digest | undefined;
  /** Whether all files of the vault are here that should be; always so but in a partial clone. */
  readonly isWhole?: boolean;
  /** A state that follows the one in that commit, and that a commit behind it holds. */
  readonly superseded?: StateRef | undefined;
}

/** What was last fetched for the vault of a clone, of which nothing was checked out. */
export interface FetchRecord {
  /** When the remote last answered, in milliseconds since 1970; absent where it never did. */
  readonly fetchedAt?: number | undefined;
  /** When it was last asked. */
  readonly triedAt: number;
  /** The vault's `pull_interval`, in seconds. */
  readonly intervalS: number;
  /** The id of the vault in the work tree, or of the one that was fetched; unverified. */
  readonly vault?: string | undefined;
  /** The one spelling of the remote's URL. */
  readonly remote: string;
  /** The vault's folder in the repository, with `/`. */
  readonly path: string;
  /** The vault's main ref there. */
  readonly home?: FetchedTip | undefined;
  /** The ref that the checked-out branch follows. */
  readonly upstream?: FetchedTip | undefined;
  /** What was checked out, and how git's settings and the vault's looked: with others this record says nothing. */
  readonly about: string;
}

/** Where the record lies: with what else is ours beside the repository. */
const recordFile = ({ gitDir }: GitFolders): string => join(changeFolder(gitDir), "fetched.json");

/** What was last fetched, for the branch that is checked out now. No program is started. @param root the vault's folder */
export function readFetchRecord(root: string): FetchRecord | undefined {
  const folders = findGitFolders(dirname(root));
  if (!folders) return undefined;
  try {
    const record = JSON.parse(readFileSync(recordFile(folders), "utf8")) as FetchRecord;
    return record.about === aboutOf(root, folders) ? record : undefined;
  } catch (error) {
    if (isSystemError(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Where the state of a tip comes from. @param tip with a commit @param vaultId of the vault that is here */
export function placeOf(
  { remote, path, fetchedAt, triedAt }: Pick<FetchRecord, "remote" | "path" | "fetchedAt" | "triedAt">,
  { ref, commit, isHome = false, superseded }: FetchedTip,
  vaultId?: string,
): FetchedPlace {
  // What a remote said before it could not be asked any more may be old without anybody bringing it back.
  const isPresent = fetchedAt === triedAt;
  return { kind: "fetched", remote, path, ref, isHome: isHome && isPresent, commit: commit!, superseded, vaultId };
}

/** What differs once one of some files was changed, or another state was fetched. @param files relative to the vault's folder */
export function readingFingerprint(root: string, files: readonly string[]): string {
  const { home, upstream } = readFetchRecord(root) ?? {};
  return [statFingerprint(root, files), home?.commit, upstream?.commit].join(" ");
}

/** @returns whether it could be written: a repository that cannot be written to has no record */
export function writeFetchRecord(root: string, record: Omit<FetchRecord, "about">): boolean {
  const folders = findGitFolders(dirname(root));
  if (!folders) return false;
  const file = recordFile(folders);
  try {
    if (!existsSync(dirname(file))) mkdirSync(dirname(file));
    replaceFile(file, `${JSON.stringify({ ...record, about: aboutOf(root, folders) })}\n`);
    return true;
  } catch (error) {
    if (isSystemError(error) || error instanceof VaultError) return false;
    throw error;
  }
}

function aboutOf(root: string, { gitDir, commonDir }: GitFolders): string {
  const head = (readText(join(gitDir, "HEAD")) ?? "").trim();
  // A detached HEAD is another one with each commit, and follows nothing.
  const branch = head.startsWith("ref: ") ? head : "detached";
  return digestOf([branch, readText(join(commonDir, "config")), readText(join(root, CONFIG_FILE))].join("\0"));
}
