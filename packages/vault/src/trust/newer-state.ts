import { maxBytesOf } from "../files/limits.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE } from "../format/layout.js";
import type { GitRepository } from "../git/repository.js";
import { tryOpenLock, type SignedLock } from "../lock/open-lock.js";

/**
 * A state that an owner made of the one in a commit, from the commits between an earlier one and it: somebody has committed old files on
 * top. Locks are read only where they replaced the older one.
 * @param root the vault's folder
 */
export async function findNewerState(
  repository: GitRepository,
  root: string,
  { tip, since }: { readonly tip: string; readonly since: string },
): Promise<SignedLock | undefined> {
  const folder = repository.pathOf(root);
  const { blobArgs, logArgs } = replacementsOf(tip, folder, since);
  const blob = (await repository.try(blobArgs))?.trim();
  if (!blob) return undefined;
  const commits = commitsReplacing(blob, await repository.run(logArgs));
  const [present, signature, ...files] = await repository.contents(
    [tip, ...commits].flatMap((commit) => lockFilesOf(commit, folder)),
    maxBytesOf(LOCK_FILE),
  );
  const signed = tryOpenLock(present, signature);
  const states = commits.map((_, index) => tryOpenLock(files[2 * index], files[2 * index + 1]));
  return signed && newerStateAmong(states, signed);
}

/**
 * What git is asked to find the commits that replaced a lock.
 * @param folder the vault's, as git names it
 */
export function replacementsOf(
  revision: string,
  folder: string,
  since?: string,
): { blobArgs: readonly string[]; logArgs: readonly string[] } {
  const lock = `${folder}/${LOCK_FILE}`;
  const raw = ["-m", "--full-history", "--raw", "--no-abbrev", "--no-renames", "--format=%H"];
  return {
    blobArgs: ["rev-parse", "--verify", "--quiet", `${revision}:${lock}`],
    logArgs: ["log", ...raw, ...(since === undefined ? [] : [`^${since}`]), revision, "--", `:(top,literal)${lock}`],
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
