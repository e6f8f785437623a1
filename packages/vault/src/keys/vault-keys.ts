import { existsSync } from "node:fs";
import type { Context } from "../context.js";
import { VaultFolder } from "../files/vault-folder.js";
import { vaultIdIn } from "../lock/open-lock.js";
import { findKeys, loadKeys, type KeyChoice, type Keys } from "./find-key.js";
import { agentKeyFile } from "./key-file.js";

/**
 * The identities to read the vault in a folder with: as {@link loadKeys}, where an owner's key for this vault alone goes first.
 * @param root the vault's folder
 * @throws VaultError as `loadKeys`
 */
export function loadVaultKeys(context: Context, root: string, choice: KeyChoice = {}): Promise<Keys> {
  return loadKeys(context, forVault(root, choice));
}

/** As {@link loadVaultKeys}, for what needs no key and asks for no passphrase: as {@link findKeys}. */
export function findVaultKeys(context: Context, root: string, choice: KeyChoice = {}): Keys | undefined {
  return findKeys(context, forVault(root, choice));
}

/**
 * Where the key of an agent of this vault is on this machine, or would be. The file without a vault's id may belong to an agent of the same
 * name in another vault.
 * @param root the vault's folder
 */
export function agentKeyFileOf(context: Context, root: string, agent: string): string {
  const id = vaultIdIn(new VaultFolder(root));
  const own = id === undefined ? undefined : agentKeyFile(context, agent, id);
  return own !== undefined && existsSync(own) ? own : agentKeyFile(context, agent);
}

/** The id is what the vault claims: it decides over nothing but which file a key is read from. */
function forVault(root: string, choice: KeyChoice): KeyChoice {
  return { ...choice, vaultId: () => vaultIdIn(new VaultFolder(root)) };
}
