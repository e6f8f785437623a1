import { statSync } from "node:fs";
import { join } from "node:path";
import {
  isAuditOff,
  findKeys,
  MANIFEST_FILE,
  VaultError,
  vaultIdIn,
  VaultFiles,
  type Context,
  type KeyChoice,
} from "@agent-vault/vault/read-only";
import type { SecretPage, SecretQuery } from "@agent-vault/vault";
import type { MetadataIndex } from "../index/metadata-index.js";
import { openLedger } from "../open-ledger.js";

/** Up to this size of its manifest, a vault's files are read faster than a database is opened: some 500 secrets. */
const MAX_SMALL_MANIFEST_BYTES = 16 * 1024;

/** Answers queries about the secrets of a vault, all from one state. */
export type SecretSearch = (query: SecretQuery) => Promise<SecretPage>;

/**
 * Prepares a search for secrets: those of a small vault are read from its files, those of a large one looked up in the index, which is
 * brought to the state that the owner has signed first. Without a key, or with `AGENT_VAULT_AUDIT=off`, the files are read.
 * @param root the vault's folder
 * @throws VaultError those of `VaultTrust`, `TAMPERED`; the search itself `GROUP_NOT_FOUND`, `AGENT_NOT_FOUND`
 */
export async function secretSearch(context: Context, root: string, key: KeyChoice = {}): Promise<SecretSearch> {
  const isSmall = (statSync(join(root, MANIFEST_FILE), { throwIfNoEntry: false })?.size ?? 0) <= MAX_SMALL_MANIFEST_BYTES;
  const index = isSmall || isAuditOff(context.env) ? undefined : await freshIndex(context, root, key);
  if (index) return (query) => index.query(query);
  const { openState, querySecrets } = await import("@agent-vault/vault");
  const state = await openState(context, root, key);
  return async (query) => querySecrets(state, query);
}

async function freshIndex(context: Context, root: string, key: KeyChoice): Promise<MetadataIndex | undefined> {
  const { VaultState, VaultTrust } = await import("@agent-vault/vault");
  const keys = findKeys(context, { ...key, vaultId: () => vaultIdIn(new VaultFiles(root).source) });
  if (!keys) return undefined;
  const state = new VaultState(root);
  const trusted = await new VaultTrust(context, root, keys).verify(state);
  if (!trusted) return undefined;
  try {
    const { index } = await openLedger(context, { root, vault: trusted.lock.vault, keys });
    await index.refresh(state);
    trusted.remember();
    return index;
  } catch (error) {
    if (!(error instanceof VaultError) || !/^(?:LEDGER_|BUSY$|UNWRITABLE$|DISK_FULL$|PASSPHRASE_REQUIRED$)/.test(error.code)) throw error;
    context.warn(`The index could not be used, so the files were read instead: ${error.message}`);
    return undefined;
  }
}
