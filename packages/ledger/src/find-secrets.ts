import { statSync } from "node:fs";
import { join } from "node:path";
import {
  isAuditOff,
  keysAtHand,
  MANIFEST_FILE,
  VaultError,
  vaultIdIn,
  VaultFiles,
  type Context,
  type KeyChoice,
} from "@agent-vault/vault/read-only";
import type { SecretPage, SecretQuery } from "@agent-vault/vault";
import { openLedger } from "./open-ledger.js";

/** Up to this size of its manifest, in bytes, a vault's files are read faster than a database is opened: some 500 secrets. */
const SMALL_MANIFEST = 16 * 1024;

/**
 * The secrets of a vault that fit a query: of a small one read from its files, of a large one looked up in the index, which is brought
 * to the state that the owner has signed first. Without a key at hand, or with `AGENT_VAULT_AUDIT=off`, the files are read.
 * @param root the vault's folder
 * @throws VaultError those of `VaultTrust`, `TAMPERED`, `GROUP_NOT_FOUND`, `AGENT_NOT_FOUND`
 */
export async function findSecrets(context: Context, root: string, query: SecretQuery, key: KeyChoice = {}): Promise<SecretPage> {
  const { openState, querySecrets } = await import("@agent-vault/vault");
  const isSmall = (statSync(join(root, MANIFEST_FILE), { throwIfNoEntry: false })?.size ?? 0) <= SMALL_MANIFEST;
  const found = isSmall || isAuditOff(context.env) ? undefined : await findInIndex(context, root, query, key);
  return found ?? querySecrets(await openState(context, root, key), query);
}

async function findInIndex(context: Context, root: string, query: SecretQuery, key: KeyChoice): Promise<SecretPage | undefined> {
  const { VaultState, VaultTrust } = await import("@agent-vault/vault");
  const keys = keysAtHand(context, { ...key, vaultId: () => vaultIdIn(new VaultFiles(root).source) });
  if (!keys) return undefined;
  const state = new VaultState(root);
  const trusted = await new VaultTrust(context, root, keys).verify(state);
  if (!trusted) return undefined;
  try {
    const { index } = await openLedger(context, { root, vault: trusted.lock.vault, keys });
    await index.refresh(state);
    trusted.remember();
    return await index.query(query);
  } catch (error) {
    if (!(error instanceof VaultError) || !/^(?:LEDGER_|BUSY$|UNWRITABLE$|DISK_FULL$|PASSPHRASE_REQUIRED$)/.test(error.code)) throw error;
    context.warn(`The index could not be used, so the files are read: ${error.message}`);
    return undefined;
  }
}
