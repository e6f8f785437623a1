import type { Context } from "../context.js";
import type { RepositoryUrl } from "../git/remote-url.js";
import type { KeyChoice } from "../keys/find-key.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { cloneOf, healClone } from "../sync/clone.js";
import { fetchStates } from "../sync/fetch-states.js";
import { openVault } from "./open-vault.js";

/** Which clone is meant, and whether it is brought up to date for what asks no remote by itself. */
export interface CloneRequest {
  readonly url: RepositoryUrl;
  readonly key: KeyChoice;
  readonly fetch: boolean;
}

/**
 * The vault's folder in the one clone of a repository's URL on this machine, for a program that looks once: the clone is made where there is
 * none, and made again where it is found to be damaged.
 * @throws VaultError as `cloneOf`, and as `fetchStates`
 */
export async function locateClone(context: Context, { url, key, fetch }: CloneRequest): Promise<string> {
  const root = await cloneOf(context, url, key);
  try {
    if (fetch) await fetchStates(context, root, { keys: findVaultKeys(context, root, key) });
    await openVault(context, root, "files", { key, quiet: true });
    return root;
  } catch (error) {
    // What else is wrong, the one who uses it meets.
    return (await healClone(context, url, key, error)) ? cloneOf(context, url, key) : root;
  }
}
