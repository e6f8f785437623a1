import { existsSync } from "node:fs";
import type { Context } from "@agent-vault/vault/read-only";
import { runGit } from "./git.js";
import { line } from "./hook-folders.js";
import { setConfig, unsetConfig } from "./hook-location.js";
import { COMMAND_KEY, mergeDriver } from "./hook-script.js";

/** The section of the clone's configuration, whose name the vault's `.gitattributes` has. */
const SECTION = "merge.agent-vault";

/**
 * Has git merge the vault's files by `agent-vault merge-driver`. Between merges of several bases it takes one side (`recursive`): nothing of
 * that is kept.
 * @throws VaultError `GIT_FAILED`, `GIT_MISSING`
 */
export async function registerDriver(context: Context, root: string): Promise<void> {
  await setConfig(context, root, `${SECTION}.name`, "agent-vault: joins what both sides changed, for an owner to sign");
  await setConfig(context, root, `${SECTION}.driver`, mergeDriver());
  await setConfig(context, root, `${SECTION}.recursive`, "binary");
}

/** Undoes {@link registerDriver}. */
export async function unregisterDriver(context: Context, root: string): Promise<void> {
  await unsetConfig(context, root, ["--remove-section", SECTION]);
}

/** Whether git joins the vault's files: by this version's driver, by one of another version, by one whose program is gone, or not. */
export type MergeDriverStatus = "registered" | "other-version" | "program-gone" | "not-registered";

/** How the driver is registered in a clone. @throws VaultError `GIT_MISSING` */
export async function driverStatus(context: Context, root: string): Promise<MergeDriverStatus> {
  const registered = await runGit(context, root, ["config", "--get", `${SECTION}.driver`]);
  if (registered.exit !== 0) return "not-registered";
  if (line(registered.stdout) !== mergeDriver()) return "other-version";
  const command = await runGit(context, root, ["config", "--get", COMMAND_KEY]);
  const words = [...line(command.stdout).matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);
  return words.length > 0 && words.every((word) => existsSync(word)) ? "registered" : "program-gone";
}
