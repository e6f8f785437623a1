import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../context.js";
import { isSystemError, VaultError, writeError } from "../errors.js";
import { NO_HOOKS } from "../git/environment.js";
import { GitRepository } from "../git/repository.js";
import { findKeys, type KeyChoice } from "../keys/find-key.js";
import type { RepositoryUrl } from "../git/remote-url.js";
import { VAULT_FOLDER } from "../format/layout.js";
import { cloneFolders, newCloneFolder } from "./clone-folder.js";
import { verifyUpstream } from "../trust/compare-remote.js";
import { findUpstream } from "../trust/upstream.js";
import { TrustContext } from "../trust/trust-context.js";

/**
 * The vault of a repository that is named by its URL, in a clone of its own below the home of keys, or below the system's folder for
 * what is temporary where nothing can be written at home. The clone is made where it is missing; from then on `pull` keeps it up to
 * date. What the repository offers is verified before any of it is checked out.
 * @returns the vault's folder
 * @throws VaultError `GIT_FAILED`, `GIT_MISSING`, `VAULT_NOT_FOUND` for a repository without a vault at its root, `UNWRITABLE`,
 *   `DISK_FULL`, and what {@link verifyUpstream} throws
 */
export async function cloneOf(context: Context, url: RepositoryUrl, key: KeyChoice): Promise<string> {
  const existing = existingCloneOf(context, url);
  if (existing) return existing;
  const folder = newCloneFolder(context, url);
  const draft = `${folder}.new-${Buffer.from(context.random(6)).toString("hex")}`;
  try {
    const repository = await GitRepository.clone(context, url.address, draft);
    await verifyClone(context, repository, url, key);
    await repository.run([...NO_HOOKS, "checkout", "--quiet", "--force"]);
    // By this file's time git's last fetch is known, and cloning was one.
    writeFileSync(join(repository.gitDir, "FETCH_HEAD"), "");
    return putInPlace(draft, folder);
  } catch (error) {
    throw writeError(error, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Verifies what a clone has fetched, of which nothing is checked out yet. */
async function verifyClone(context: Context, repository: GitRepository, url: RepositoryUrl, key: KeyChoice): Promise<void> {
  const upstream = await findUpstream(repository);
  const { commit } = await repository.head();
  const root = join(repository.workTree, VAULT_FOLDER);
  if (!upstream || commit === undefined) throw noVault(url);
  const trust = new TrustContext(context, root, findKeys(context, key));
  await verifyUpstream(repository, upstream, commit, trust, { inFull: true }).catch((error: unknown) => {
    throw error instanceof VaultError && error.code === "VAULT_NOT_FOUND" ? noVault(url) : error;
  });
}

/** The vault of a clone that was made before, or `undefined`. */
export function existingCloneOf(context: Context, url: RepositoryUrl): string | undefined {
  return cloneFolders(context, url)
    .map((folder) => join(folder, VAULT_FOLDER))
    .find((root) => existsSync(root));
}

/** Another process may have made the same clone meanwhile; then that one counts. */
function putInPlace(draft: string, folder: string): string {
  try {
    renameSync(draft, folder);
  } catch (error) {
    if (!isSystemError(error, "ENOTEMPTY", "EEXIST", "EPERM") || !existsSync(join(folder, VAULT_FOLDER))) throw error;
  }
  return join(folder, VAULT_FOLDER);
}

function noVault({ address }: RepositoryUrl): VaultError {
  return new VaultError("VAULT_NOT_FOUND", `The repository ${address} holds no vault at its root.`, {
    remedy: "Check the URL; a vault that lies deeper in a repository is read from a clone of yours.",
  });
}
