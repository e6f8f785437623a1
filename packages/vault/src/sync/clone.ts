import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { isSystemError, VaultError, writeError } from "../errors.js";
import { GitRepository } from "../git/repository.js";
import { findKeys, type KeyChoice } from "../keys/find-key.js";
import type { RepositoryUrl } from "../git/remote-url.js";
import { VAULT_FOLDER } from "../format/layout.js";
import { cloneFolders, newCloneFolder } from "./clone-folder.js";
import { TrustContext } from "../trust/trust-context.js";
import { verifyFetched } from "../trust/verify-fetched.js";
import { askRemote } from "./ask-remote.js";
import { placeOf, readFetchRecord } from "./fetch-record.js";

/**
 * The vault of a repository that is named by its URL, in a clone of its own below the home of keys, or below the system's folder for
 * what is temporary where nothing can be written at home. The clone is made where it is missing; from then on `fetchStates` keeps it up to
 * date. Nothing of it is ever checked out: what the repository holds is read out of git's objects.
 * @returns the vault's folder
 * @throws VaultError `GIT_FAILED`, `GIT_MISSING`, `VAULT_NOT_FOUND` for a repository without a vault at its root, `UNWRITABLE`,
 *   `DISK_FULL`, and what {@link verifyFetched} throws
 */
export async function cloneOf(context: Context, url: RepositoryUrl, key: KeyChoice): Promise<string> {
  const existing = existingCloneOf(context, url);
  if (existing) return existing;
  const folder = newCloneFolder(context, url);
  const draft = `${folder}.new-${Buffer.from(context.random(6)).toString("hex")}`;
  try {
    const repository = await GitRepository.clone(context, url.address, draft);
    await verifyClone(context, repository, url, key);
    return putInPlace(draft, folder);
  } catch (error) {
    throw writeError(error, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Verifies what a clone has fetched. */
async function verifyClone(context: Context, repository: GitRepository, url: RepositoryUrl, key: KeyChoice): Promise<void> {
  const root = join(repository.workTree, VAULT_FOLDER);
  const keys = findKeys(context, key);
  await askRemote(context, root, { keys, mustAnswer: true });
  const record = readFetchRecord(root);
  if (record?.home?.commit === undefined) throw noVault(url);
  const fetched = await verifyFetched(new TrustContext(context, root, keys), repository, placeOf(record, record.home));
  if (!fetched) throw noVault(url);
  fetched.trusted?.remember();
}

/** The vault of a clone that was made before, or `undefined`. */
export function existingCloneOf(context: Context, url: RepositoryUrl): string | undefined {
  const folder = cloneFolders(context, url).find((folder) => existsSync(folder));
  return folder && join(folder, VAULT_FOLDER);
}

/** Another process may have made the same clone meanwhile; then that one counts. */
function putInPlace(draft: string, folder: string): string {
  try {
    renameSync(draft, folder);
  } catch (error) {
    if (!isSystemError(error, "ENOTEMPTY", "EEXIST", "EPERM") || !existsSync(folder)) throw error;
  }
  return join(folder, VAULT_FOLDER);
}

function noVault({ address }: RepositoryUrl): VaultError {
  return new VaultError("VAULT_NOT_FOUND", `The repository ${address} holds no vault at its root.`, {
    remedy: "Check the URL; a vault that lies deeper in a repository is read from a clone of yours.",
  });
}
