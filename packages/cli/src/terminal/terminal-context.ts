import process from "node:process";
import { statSync } from "node:fs";
import {
  findVault,
  isAuditOff,
  disabledRecorder,
  printable,
  processContext,
  recoverVault,
  resolvePath,
  VaultError,
  type Context,
} from "@agent-vault/vault/read-only";
import { LedgerRecorder } from "@agent-vault/ledger/recorder";
import { warn } from "./messages.js";
import type { ProgressLine } from "./progress-line.js";
import { terminal } from "./terminal.js";

/**
 * The context of a command: warnings and progress on the error stream, passphrases asked for where somebody sits at a terminal.
 * @param command its words, as it goes on record
 * @param directories where to go from here, one after the other, as git's -C does
 * @throws VaultError `FILE_NOT_FOUND` where one is no folder
 */
export function terminalContext(command: string, directories: readonly string[], progress: ProgressLine): Context {
  return processContext({
    cwd: goTo(directories),
    warn: (message) => {
      progress.clear();
      warn(message);
    },
    // It loads the engine when there is something to put on record.
    recorder: isAuditOff(process.env) ? disabledRecorder : new LedgerRecorder(command),
    ...(process.stderr.isTTY && process.env["TERM"] !== "dumb" && { progress: (state) => progress.show(state) }),
    ...(process.stderr.isTTY && { note: (message) => process.stderr.write(`${printable(message)}\n`) }),
    ...(terminal.canAskPassphrase() && { passphrase: (source) => terminal.askPassphrase(`Passphrase for ${source}: `) }),
  });
}

function goTo(directories: readonly string[]): string {
  const folder = resolvePath(processContext(), ...directories);
  if (directories.length === 0 || statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new VaultError("FILE_NOT_FOUND", `There is no folder ${folder}.`, { remedy: "Check the path given with -C." });
}

/** The vault's folder for reading, with what a killed process left of a change finished first. */
export async function findVaultToRead(context: Context): Promise<string> {
  const root = findVault(context);
  try {
    await recoverVault(context, root);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    // Without a repository there is no change that could be finished.
    if (error.code === "REPOSITORY_NOT_FOUND" || error.code === "GIT_MISSING") return root;
    context.warn(`An interrupted change could not be finished: ${error.message}`);
  }
  return root;
}
