import { dirname } from "node:path";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { mayHaveRemote } from "../git/git-folders.js";
import type { KeyChoice } from "../keys/find-key.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { fetchStates } from "./fetch-states.js";
import { pushCommand } from "./push-command.js";
import { sync, takeFetched } from "./sync.js";
import { readSyncSettings } from "./sync-settings.js";

/**
 * Asks the remote before a change, and takes over a newer state where the branch merely has to be moved on (`settings.sync.pull_before_change`).
 * What prevents that is a warning: the change is made here, and whether it may be decides what it has to follow.
 * @param root the vault's folder
 * @throws VaultError as `fetchStates`
 */
export async function pullBeforeChange(context: Context, root: string, key: KeyChoice | undefined): Promise<void> {
  if (!mayHaveRemote(context, dirname(root))) return;
  const { sync: settings } = await readSyncSettings(new VaultFolder(root));
  if (!settings.pull_before_change) return;
  await fetchStates(context, root, { keys: keysOrNone(context, root, key) });
  try {
    if (await takeFetched(context, root, key)) context.note?.("Took over the newest state from the remote first.");
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    context.warn(`The newest state of the remote was not taken over before the change. ${error.message}`);
  }
}

/**
 * Pushes after a change where the vault wants each change pushed (`settings.sync.push: auto`). The change is made, so what prevents it is a warning.
 * @param root the vault's folder
 */
export async function pushAfterChange(context: Context, root: string, key: KeyChoice | undefined): Promise<void> {
  if (!mayHaveRemote(context, dirname(root))) return;
  const { sync: settings } = await readSyncSettings(new VaultFolder(root));
  if (settings.push !== "auto") return;
  try {
    await sync(context, root, { key, pull: false });
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    const command = (await pushCommand(context, root).catch(() => undefined)) ?? "";
    const remedy = command.includes("--set-upstream") ? command : "agent-vault sync";
    context.warn(`The change is made, but it was not pushed. ${error.message} Push it with: ${remedy}`);
  }
}

/** A key that cannot be read is reported by the change itself. */
function keysOrNone(context: Context, root: string, key: KeyChoice | undefined) {
  try {
    return findVaultKeys(context, root, key);
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}
