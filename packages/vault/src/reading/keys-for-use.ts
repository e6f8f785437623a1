import type { Context } from "../context.js";
import { CONFIG_FILE } from "../format/layout.js";
import { detectHarness } from "../harness.js";
import type { KeyChoice, Keys } from "../keys/find-key.js";
import { findVaultKeys, loadVaultKeys } from "../keys/vault-keys.js";
import { presentedToken } from "../record/authorize-read.js";
import { fetchStates } from "../sync/fetch-states.js";
import type { VaultFiles } from "../files/vault-files.js";
import { openVault } from "./open-vault.js";

/** How the identities for a use are chosen. */
export interface UseKeys {
  readonly key?: KeyChoice | undefined;
  /** Of `--token`; without it `AGENT_VAULT_TOKEN` counts. */
  readonly token?: string | undefined;
  /** Whether the remote is asked for newer states first, once; `true` unless set. */
  readonly pull?: boolean | undefined;
}

/**
 * The identities to use secrets with, and the vault's newest states fetched. Where nobody chose a key and a coding agent is at work, they are those of the agent that the owner's signed
 * settings name for it (`settings.harness_agents`), and not the person's own.
 * @param root the vault's folder
 * @throws VaultError as `loadVaultKeys`, `NO_KEY` where the named agent's key is not on this machine; as `fetchStates` and `openVault`
 */
export async function loadKeysForUse(context: Context, root: string, { key = {}, token, pull = true }: UseKeys = {}): Promise<Keys> {
  const since = context.now();
  const agent = isChosen(context, key, token) ? undefined : await harnessAgent(context, root, pull);
  const keys = await loadVaultKeys(context, root, agent === undefined ? key : { ...key, agent });
  if (pull) await fetchStates(context, root, { keys, since });
  return keys;
}

/** The agent that settings name for a coding agent. @param files verified */
export async function harnessAgentIn(files: VaultFiles, harness: string): Promise<string | undefined> {
  const bytes = files.read(CONFIG_FILE);
  // No parser is loaded for a vault without the setting.
  if (!bytes || !Buffer.from(bytes).includes("harness_agents")) return undefined;
  const { Config } = await import("../format/config.js");
  const { harness_agents: agents = {} } = Config.parse(bytes).settings;
  const named = (name: string) => (Object.hasOwn(agents, name) ? agents[name] : undefined);
  return named(harness) ?? named("*");
}

function isChosen({ env }: Context, { keyFile, keyText, agent }: KeyChoice, token: string | undefined): boolean {
  return (
    keyFile !== undefined ||
    keyText !== undefined ||
    agent !== undefined ||
    Boolean(env["AGENT_VAULT_KEY"]) ||
    presentedToken({ env }, token) !== undefined
  );
}

async function harnessAgent(context: Context, root: string, pull: boolean): Promise<string | undefined> {
  const harness = detectHarness(context.env);
  if (harness === undefined) return undefined;
  const keys = findVaultKeys(context, root);
  if (pull) await fetchStates(context, root, { keys });
  const { files, homes } = await openVault(context, root, "files", {
    keys,
    quiet: true,
    localOnly: !pull,
    read: (read) => void read.read(CONFIG_FILE),
  });
  // Rules are never older than the newest that are known.
  for (const one of [...homes, files]) {
    const agent = await harnessAgentIn(one, harness);
    if (agent !== undefined) return agent;
  }
  return undefined;
}
