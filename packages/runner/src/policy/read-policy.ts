import { POLICY_FILE, type VaultFiles } from "@agent-vault/vault/read-only";
import type { Policy } from "./policy.js";

/**
 * The vault's policy, or `undefined` where it has none; then no parser is loaded.
 * @param files which give out only what the owner signed, where the vault is signed
 * @throws VaultError `INVALID_POLICY`, `TAMPERED`, `LINK_IN_VAULT`
 */
export async function readPolicy(files: VaultFiles): Promise<Policy | undefined> {
  const bytes = files.read(POLICY_FILE);
  if (!bytes) return undefined;
  const { parsePolicy } = await import("./parse-policy.js");
  return parsePolicy(bytes, POLICY_FILE);
}
