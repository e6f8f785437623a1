import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import type { GitRepository } from "../git/repository.js";
import { tryOpenLock, type SignedLock } from "../lock/open-lock.js";

/**
 * A state that an owner made of another one, from the history of a revision that holds the older one again: somebody has committed old
 * files on top. Locks are read only where they replaced the older one.
 * @param root the vault's folder
 */
export async function findNewerState(
  repository: GitRepository,
  root: string,
  revision: string,
  signed: SignedLock,
): Promise<SignedLock | undefined> {
  const folder = repository.pathOf(root);
  const { blobArgs, logArgs } = replacementsOf(revision, folder);
  const blob = (await repository.try(blobArgs))?.trim();
  if (!blob) return undefined;
  const commits = commitsReplacing(blob, await repository.run(logArgs));
  const files = await repository.contents(commits.flatMap((commit) => lockFilesOf(commit, folder)));
  return newerStateAmong(
    commits.map((_, index) => tryOpenLock(files[2 * index], files[2 * index + 1])),
    signed,
  );
}

/**
 * What git is asked to find the commits that replaced a lock.
 * @param folder the vault's, as git names it
 */
export function replacementsOf(revision: string, folder: string): { blobArgs: readonly string[]; logArgs: readonly string[] } {
  const lock = `${folder}/${LOCK_FILE}`;
  const raw = ["-m", "--full-history", "--raw", "--no-abbrev", "--no-renames", "--format=%H"];
  return {
    blobArgs: ["rev-parse", "--verify", "--quiet", `${revision}:${lock}`],
    logArgs: ["log", ...raw, revision, "--", `:(top,literal)${lock}`],
  };
}

/** The commits that replaced a lock, from git's log. @param blob the lock's object id */
export function commitsReplacing(blob: string, log: string): string[] {
  const replacing: string[] = [];
  let commit = "";
  for (const line of log.split("\n")) {
    if (/^[0-9a-f]+$/.test(line)) commit = line;
    else if (line.split(" ")[2] === blob) replacing.push(commit);
  }
  return replacing;
}

/** A commit's lock and its signature, as git names them. */
export function lockFilesOf(commit: string, folder: string): string[] {
  return [LOCK_FILE, LOCK_SIGNATURE_FILE].map((file) => `${commit}:${folder}/${file}`);
}

/** The one of these states that follows a state by an owner's signature. */
export function newerStateAmong(states: readonly (SignedLock | undefined)[], signed: SignedLock): SignedLock | undefined {
  return states.find((next) => next?.lock.previous.includes(signed.digest) && signed.lock.owners.some(({ key }) => key === next.signer));
}
