import { randomBytes } from "node:crypto";
import { VaultError } from "@agent-vault/vault/read-only";

/** Where the key of a ledger comes from. */
export interface KeySource {
  /** As messages name it. */
  readonly name: string;
  /**
   * The key, 32 bytes, or `undefined` where none was made yet.
   * @throws VaultError `LEDGER_KEY` where there is one that cannot be had, and what opening a key file throws
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Makes a key where there is none. Where another process has just made one, that one is taken.
   * @throws VaultError `LEDGER_KEY` where keys of this source are made elsewhere, `UNWRITABLE`, `DISK_FULL`
   */
  create(): Promise<Uint8Array>;
  /**
   * Asks a person now what `read` and `create` would ask, so that nobody waits for them later. Absent where no person is asked.
   * @returns whether nothing is left to ask
   * @throws VaultError as `read`
   */
  unlock?(mayAsk: boolean): Promise<boolean>;
}

/** Comes before every other source of the key. */
export const KEY_VARIABLE = "AGENT_VAULT_LEDGER_KEY";

/** In bytes. */
export const KEY_LENGTH = 32;

/** A new random key. */
export function newKey(): Uint8Array {
  return new Uint8Array(randomBytes(KEY_LENGTH));
}

/** Reads a key as text: 64 hexadecimal digits, or base64 of 32 bytes. @throws VaultError `LEDGER_KEY`, which shows nothing of it */
export function parseKey(text: string, source: string): Uint8Array {
  const word = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(word) ? Buffer.from(word, "hex") : Buffer.from(word, "base64");
  const isBase64 = key.toString("base64").replace(/=+$/, "") === word.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  if (key.length === KEY_LENGTH && (word.length === 64 || isBase64)) return new Uint8Array(key);
  throw new VaultError("LEDGER_KEY", `${source} does not contain a key for the audit log.`, {
    remedy: "It has to be 32 random bytes as hex or base64; openssl rand -hex 32 prints some.",
  });
}

/** The error for a source whose keys are made elsewhere and that has none. */
export function noKey(name: string, cause?: unknown): VaultError {
  return new VaultError("LEDGER_KEY", `${name} does not provide a key for the audit log.`, {
    remedy: "Have it provide one (32 bytes as hex or base64), or choose another source of the key.",
    cause,
  });
}
