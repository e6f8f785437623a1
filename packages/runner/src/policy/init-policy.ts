import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSystemError, POLICY_FILE, VaultError, writeError } from "@agent-vault/vault/read-only";
import { STARTER_POLICY } from "./starter.js";

/**
 * Begins a vault's policy with one that allows what was allowed without it.
 * @param root absolute path of the vault's folder
 * @returns the file
 * @throws VaultError `ALREADY_EXISTS`, `UNWRITABLE`, `DISK_FULL`
 */
export function initPolicy(root: string): string {
  const file = join(root, POLICY_FILE);
  try {
    writeFileSync(file, STARTER_POLICY, { flag: "wx" });
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw writeError(error, file);
    throw new VaultError("ALREADY_EXISTS", "The vault has a policy already.", {
      remedy: `Edit ${file}, and see what it says with agent-vault policy check.`,
    });
  }
  return file;
}
