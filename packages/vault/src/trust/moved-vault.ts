import { LOCK_FILE, LOCK_SIGNATURE_FILE, VAULT_FOLDER } from "../format/layout.js";
import { MAX_LISTING_BYTES, maxBytesOf } from "../files/limits.js";
import { isGitError } from "../git/errors.js";
import { readContentsSync } from "../git/objects-sync.js";
import { findInTreeSync } from "../git/tree-entries.js";
import type { GitRepository } from "../git/repository.js";
import { tryOpenLock } from "../lock/open-lock.js";

/** More vaults than one repository has. */
const MAX_VAULTS = 256;

/**
 * Where a commit holds a vault that is not at its place any more: the folder of its newest state whose signature is right, by whomever it
 * was made, with `/`. It is what an error says, and nothing that is trusted. The whole tree is listed, so this is only for when a vault
 * was missed.
 * @returns `undefined` where the commit holds none, or is larger than can be searched
 */
export function findMovedVault(repository: GitRepository, commit: string, vaultId: string): string | undefined {
  const found = vaultFoldersIn(repository, commit).flatMap((folder) => {
    const [lock, signature] = readSmall(repository, [`${commit}:${folder}/${LOCK_FILE}`, `${commit}:${folder}/${LOCK_SIGNATURE_FILE}`]);
    const signed = tryOpenLock(lock, signature);
    return signed?.lock.vault === vaultId ? [{ folder, sequence: signed.lock.sequence }] : [];
  });
  return found.toSorted((a, b) => b.sequence - a.sequence)[0]?.folder;
}

/** The folders of all vaults in a commit, with `/`; none where it is larger than can be searched. */
export function vaultFoldersIn(repository: GitRepository, commit: string): string[] {
  const ending = `${VAULT_FOLDER}/${LOCK_FILE}`;
  try {
    const locks = findInTreeSync(repository, commit, ending, MAX_LISTING_BYTES);
    const folders = locks
      .filter((path) => path === ending || path.endsWith(`/${ending}`))
      .map((path) => path.slice(0, -LOCK_FILE.length - 1));
    // git takes one name a line.
    return folders.filter((folder) => !folder.includes("\n")).slice(0, MAX_VAULTS);
  } catch (error) {
    if (isGitError(error, "tooMuchOutput")) return [];
    throw error;
  }
}

function readSmall(repository: GitRepository, names: readonly string[]): (Uint8Array | undefined)[] {
  return readContentsSync((args, options) => repository.runSync(args, options), names, maxBytesOf(LOCK_FILE));
}
