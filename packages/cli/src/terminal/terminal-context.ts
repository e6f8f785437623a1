import process from "node:process";
import { statSync } from "node:fs";
import {
  findVault,
  chooseRecorder,
  parseRepositoryUrl,
  printable,
  processContext,
  recoverVault,
  resolvePath,
  unattendedPassphrase,
  VaultError,
  type Context,
  type KeyChoice,
} from "@agent-vault/vault/read-only";
import { LedgerRecorder } from "@agent-vault/ledger/recorder";
import { warn } from "./messages.js";
import type { ProgressLine } from "./progress-line.js";
import { terminal } from "./terminal.js";

/**
 * The context of a command: warnings and progress go to the error stream, and passphrases are asked for on a terminal.
 * @param command its name, for the audit log
 * @param directories folders to change to, one after the other, as with git's -C; the last may be a repository's URL, whose vault is read
 * @param passphraseFd a file descriptor with the passphrase, as `--passphrase-fd` gives it
 * @throws VaultError `FILE_NOT_FOUND` for what is not a folder; `USAGE` for what is no file descriptor
 */
export function terminalContext(command: string, directories: readonly string[], progress: ProgressLine, passphraseFd?: string): Context {
  const last = directories.at(-1);
  const repositoryUrl = last === undefined ? undefined : parseRepositoryUrl(last);
  const cwd = changeFolder(repositoryUrl ? directories.slice(0, -1) : directories);
  const unattended = unattendedPassphrase({ env: process.env, cwd }, descriptorOf(passphraseFd));
  const askPerson = terminal.canAskPassphrase() ? (source: string) => terminal.askPassphrase(`Passphrase for ${source}: `) : undefined;
  return processContext({
    cwd,
    repositoryUrl,
    warn: (message) => {
      progress.clear();
      warn(message);
    },
    // It loads the database engine only when there is something to record.
    recorder: chooseRecorder({ cwd, env: process.env }, command, () => new LedgerRecorder(command)),
    ...(process.stderr.isTTY && process.env["TERM"] !== "dumb" && { progress: (state) => progress.show(state) }),
    ...(process.stderr.isTTY && { note: (message) => process.stderr.write(`${printable(message)}\n`) }),
    passphrase: unattended ?? askPerson,
    isUnattended: unattended !== undefined,
  });
}

function descriptorOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : /^\d{1,7}$/.test(text) ? Number(text) : NaN;
}

function changeFolder(directories: readonly string[]): string {
  const folder = resolvePath(processContext(), ...directories);
  if (directories.length === 0 || statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new VaultError("FILE_NOT_FOUND", `There is no folder ${folder}.`, { remedy: "Check the path given with -C." });
}

/** How a vault is looked for. */
export interface VaultChoice {
  /** The key that was chosen, whose file says who may sign a vault that is seen for the first time. */
  readonly key?: KeyChoice | undefined;
  /** Whether the clone of a URL is brought up to date, for a command that asks no remote by itself. */
  readonly fetch?: boolean;
}

/** The vault's folder, after finishing a change that a killed process left behind; of a repository's URL, that in the one clone of it. */
export async function findVaultToRead(context: Context, { key = {}, fetch = false }: VaultChoice = {}): Promise<string> {
  const { repositoryUrl: url } = context;
  if (url) return (await import("@agent-vault/vault")).locateClone(context, { url, key, fetch });
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
