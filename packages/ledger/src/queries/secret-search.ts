import { statSync } from "node:fs";
import { join } from "node:path";
import {
  isAuditOff,
  findVaultKeys,
  MANIFEST_FILE,
  openVault,
  VaultError,
  type Context,
  type KeyChoice,
} from "@agent-vault/vault/read-only";
import type { SecretPage, SecretQuery, VaultState } from "@agent-vault/vault";
import type { MetadataIndex } from "../index/metadata-index.js";
import type { Ledger } from "../ledger.js";
import { openLedger } from "../open-ledger.js";

/** Up to this size of its manifest, a vault's files are read faster than a database is opened: some 500 secrets. */
const MAX_SMALL_MANIFEST_BYTES = 16 * 1024;

/** Answers queries about the secrets of a vault, all from one state. */
export type SecretSearch = (query: SecretQuery) => Promise<SecretPage>;

/**
 * Prepares a search for secrets: those of a small vault are read from its files, those of a large one looked up in the index, which is
 * brought to the state that the owner has signed first. Without a key, or with `AGENT_VAULT_AUDIT=off`, the files are read.
 * @param root the vault's folder
 * @throws VaultError as `openVault`, `TAMPERED`; the search itself `GROUP_NOT_FOUND`, `AGENT_NOT_FOUND`
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
  const keys = findVaultKeys(context, root, key);
  if (!keys) return undefined;
  let ledger: Promise<Ledger> | undefined;
  const refreshed = async (state: VaultState) => {
    const vault = state.signed?.lock.vault;
    if (vault === undefined) return undefined;
    const { index } = await (ledger ??= openLedger(context, { root, vault, keys }));
    await index.refresh(state);
    return index;
  };
  const { files, trusted } = await openVault(context, root, "state", { keys, read: async (state) => void (await refreshed(state)) });
  try {
    const index = await refreshed(files);
    trusted?.remember();
    return index;
  } catch (error) {
    if (!(error instanceof VaultError) || !/^(?:LEDGER_|BUSY$|UNWRITABLE$|DISK_FULL$|PASSPHRASE_REQUIRED$)/.test(error.code)) throw error;
    context.warn(`The index could not be used, so the files were read instead: ${error.message}`);
    return undefined;
  }
}
