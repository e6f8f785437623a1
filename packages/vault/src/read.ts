import { decrypt } from "./age/decrypt.js";
import type { Context } from "./context.js";
import { VaultError } from "./errors.js";
import { loadKeys, type KeyChoice, type Keys } from "./key-files.js";
import { CONFIG_FILE } from "./layout.js";
import { formatSecretPath, parseSecretPath } from "./names.js";
import type { VaultFiles } from "./vault-files.js";

export interface SecretValue {
  /** The path as it is shown: without `default/`. */
  readonly secret: string;
  /** Exactly the bytes that were set. */
  readonly value: Uint8Array;
}

/**
 * Reads one secret with the key of an owner or of an agent that was granted it.
 * @throws VaultError `SECRET_NOT_FOUND`, `NOT_AUTHORIZED`, `DAMAGED`, `INVALID_NAME`, `LINK_IN_VAULT`, and what {@link loadKeys} throws
 */
export async function readSecret(context: Context, files: VaultFiles, path: string, key: KeyChoice = {}): Promise<SecretValue> {
  const secretPath = parseSecretPath(path);
  const file = files.ciphertext(secretPath);
  const keys = await loadKeys(context, { ...key, vaultId: () => readVaultId(files) });
  return { secret: formatSecretPath(secretPath), value: await openSecret(file, formatSecretPath(secretPath), keys) };
}

/** The vault's id, which is seldom needed for reading; the YAML parser is loaded only then. */
async function readVaultId(files: VaultFiles): Promise<string | undefined> {
  const { Config } = await import("./config.js");
  const bytes = files.bytes(CONFIG_FILE);
  return bytes && Config.parse(bytes).id;
}

/** Decrypts a secret's file and names the secret in what goes wrong. */
export async function openSecret(file: Uint8Array, secret: string, { identities, source }: Keys): Promise<Uint8Array> {
  try {
    return await decrypt(file, identities);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    if (error.code === "NOT_AUTHORIZED") {
      throw new VaultError("NOT_AUTHORIZED", `The key in ${source} does not open ${secret}.`, {
        remedy: "Ask an owner for access (agent-vault grant AGENT GROUP), or give another key with --key FILE.",
        cause: error,
      });
    }
    throw new VaultError(error.code, `${secret}: ${error.message}`, { ...(error.remedy && { remedy: error.remedy }), cause: error });
  }
}
