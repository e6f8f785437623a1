import { VaultError } from "@agent-vault/vault/read-only";
import { KEY_LENGTH } from "./key-source.js";
import { damagedKey } from "./ledger-key-file.js";

/** Decrypts the key of a ledger. @throws VaultError `LEDGER_KEY`, and what `open` throws otherwise */
export async function openKey(file: string, open: () => Promise<Uint8Array>): Promise<Uint8Array> {
  let key: Uint8Array;
  try {
    key = await open();
  } catch (error) {
    if (isNotAuthorized(error)) throw cannotOpen(file, error);
    if (error instanceof VaultError && error.code === "DAMAGED") throw damagedKey(file, error);
    throw error;
  }
  if (key.length !== KEY_LENGTH) throw damagedKey(file);
  return key;
}

/** Whether an age file could not be opened because it is encrypted to others. */
export function isNotAuthorized(error: unknown): boolean {
  return error instanceof VaultError && error.code === "NOT_AUTHORIZED";
}

/** The error for a key file that none of the identities opens. */
export function cannotOpen(file: string, cause?: unknown): VaultError {
  return new VaultError("LEDGER_KEY", `No key found here decrypts ${file}, which holds the key of the audit log.`, {
    remedy:
      "Use the key of an owner or agent of this machine; an owner gives an agent access with agent-vault restore-agent NAME, run on this machine.",
    cause,
  });
}
