import process from "node:process";
import { resolve } from "node:path";
import { findVault, processContext, recoverVault, VaultError, type Context } from "@agent-vault/vault/read-only";
import { terminal, warn, type ProgressLine } from "./terminal.js";

/** The context of a command: warnings and progress on the error stream, passphrases asked for where somebody sits at a terminal. */
export function terminalContext(directory: string | undefined, progress: ProgressLine): Context {
  return processContext({
    cwd: directory === undefined ? process.cwd() : resolve(directory),
    warn: (message) => {
      progress.clear();
      warn(message);
    },
    ...(process.stderr.isTTY && process.env["TERM"] !== "dumb" && { progress: (state) => progress.show(state) }),
    ...(terminal.canAskPassphrase() && { passphrase: (source) => terminal.askPassphrase(`Passphrase for ${source}: `) }),
  });
}

/** The vault's folder for reading, with what a killed process left of a change finished first. */
export async function findVaultToRead(context: Context): Promise<string> {
  const root = findVault(context);
  try {
    await recoverVault(context, root);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    context.warn(`An interrupted change could not be finished: ${error.message}`);
  }
  return root;
}
