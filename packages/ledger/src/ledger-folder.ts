import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import process from "node:process";
import { isSystemError, VaultError, writeError } from "@agent-vault/vault/read-only";

/**
 * Makes the folder where it is missing, readable for this user alone: the engine makes its files readable for all.
 * @throws VaultError `LEDGER_FOLDER` where it is a link or another user's, `UNWRITABLE`
 */
export function requireLedgerFolder(folder: string): void {
  try {
    makeFolder(folder);
    const stat = lstatSync(folder);
    if (!stat.isDirectory()) throw unfit(folder, "is not a folder");
    if (process.getuid && stat.uid !== process.getuid()) throw unfit(folder, "belongs to another user");
    if (process.platform !== "win32" && stat.mode & 0o077) chmodSync(folder, 0o700);
  } catch (error) {
    throw writeError(error, folder);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    // Something else is in its place, which is looked at next.
    if (!isSystemError(error, "EEXIST")) throw error;
  }
}

function unfit(folder: string, why: string): VaultError {
  return new VaultError("LEDGER_FOLDER", `${folder} ${why}, so the audit log cannot be kept in it.`, {
    remedy: "Find out who put it there and move it away, or choose another AGENT_VAULT_HOME.",
  });
}
