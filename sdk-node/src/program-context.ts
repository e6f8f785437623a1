import process from "node:process";
import {
  chooseRecorder,
  printable,
  processContext,
  unattendedPassphrase,
  type Context,
  type RepositoryUrl,
} from "@agent-vault/vault/read-only";
import { ledgerRecorder } from "./optional-packages.js";

/**
 * What a program's `Vault` takes from the world around it: the environment of the process, and no person. A warning is a process warning, given once.
 * @param passphraseFd a file descriptor with the passphrase of a protected key
 * @throws VaultError `USAGE`
 */
export function programContext(url: RepositoryUrl | undefined, passphraseFd: number | undefined): Context {
  const said = new Set<string>();
  return processContext({
    repositoryUrl: url,
    passphrase: unattendedPassphrase({ env: process.env, cwd: process.cwd() }, passphraseFd),
    isUnattended: true,
    warn: (message) => {
      if (!said.has(message)) warnProgram(message);
      said.add(message);
    },
    recorder: chooseRecorder({ cwd: process.cwd(), env: process.env }, "get", ledgerRecorder),
  });
}

/** Gives a program a process warning, which Node prints to the error stream. */
export function warnProgram(message: string): void {
  process.emitWarning(printable(message), "AgentVaultWarning");
}
