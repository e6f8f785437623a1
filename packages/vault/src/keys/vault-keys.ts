import { existsSync } from "node:fs";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { vaultIdIn } from "../lock/open-lock.js";
import { findKeys, loadKeys, locateKey, type KeyChoice, type Keys } from "./find-key.js";
import { agentKeyFile } from "./key-file.js";

/**
 * The identities to read the vault in a folder with: as {@link loadKeys}, where an owner's key for this vault alone goes first.
 * @param root the vault's folder
 * @throws VaultError as `loadKeys`
 */
export function loadVaultKeys(context: Context, root: string, choice: KeyChoice = {}): Promise<Keys> {
  return loadKeys(context, forVault(context, root, choice));
}

/** As {@link loadVaultKeys}, for what needs no key and asks for no passphrase: as {@link findKeys}. */
export function findVaultKeys(context: Context, root: string, choice: KeyChoice = {}): Keys | undefined {
  return findKeys(context, forVault(context, root, choice));
}

/** Where the key is that {@link loadVaultKeys} reads: as {@link locateKey}. @throws VaultError `NO_KEY` */
export function locateVaultKey(context: Context, root: string, choice: KeyChoice = {}): void {
  locateKey(context, forVault(context, root, choice));
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
function forVault(context: Context, root: string, { agent, ...choice }: KeyChoice): KeyChoice {
  const vaultId = () => vaultIdIn(new VaultFolder(root));
  return agent === undefined ? { ...choice, vaultId } : { ...choice, vaultId, keyFile: requireAgentKeyFile(context, root, agent) };
}

/** @throws VaultError `NO_KEY` where the agent's key is not on this machine */
function requireAgentKeyFile(context: Context, root: string, agent: string): string {
  const file = agentKeyFileOf(context, root, agent);
  if (existsSync(file)) return file;
  throw new VaultError("NO_KEY", `The key of agent ${agent} is not on this machine: there is no ${file}.`, {
    remedy: `An owner writes it there with agent-vault restore-agent ${agent}, or adds the agent with agent-vault add-agent ${agent}.`,
  });
}
