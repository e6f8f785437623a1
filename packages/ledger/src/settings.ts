import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isSystemError, VaultError, type Context } from "@agent-vault/vault/read-only";
import type { Cipher } from "./database/connection.js";

/** A person's choices for all ledgers on a machine. */
export interface LedgerSettings {
  readonly cipher: Cipher;
  readonly key: "identity" | "passphrase" | "keychain" | "command";
  /** For `key: command`: a program and its arguments, run without a shell. */
  readonly keyCommand: readonly [string, ...string[]] | undefined;
}

const DEFAULTS: LedgerSettings = { cipher: "aegis256", key: "identity", keyCommand: undefined };

/** `~/.agent-vault/ledger.json`. It lies at home, and not in the vault, since it may name a program to run. */
export const settingsFile = (context: Context): string => join(context.home, "ledger.json");

/** The settings, `{ "cipher": …, "key": …, "key_command": [ … ] }`, each optional. @throws VaultError `INVALID_CONFIG` */
export async function readSettings(context: Context): Promise<LedgerSettings> {
  const file = settingsFile(context);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return DEFAULTS;
    throw error;
  }
  // Not zod itself, all of which would have to be loaded then.
  const { settingsSchema } = await import("./settings-schema.js");
  const parsed = settingsSchema.safeParse(parseJson(text));
  if (!parsed.success) throw invalid(file, `${parsed.error.issues[0]!.path.join(".")}: ${parsed.error.issues[0]!.message}`);
  const { cipher, key, key_command } = parsed.data;
  if ((key === "command") !== (key_command !== undefined)) throw invalid(file, 'key_command goes with key "command"');
  return { cipher, key, keyCommand: key_command };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(file: string, reason: string): VaultError {
  return new VaultError("INVALID_CONFIG", `${file} has an invalid setting (${reason}).`, {
    remedy: 'Fix it, for example to { "key": "passphrase" }, or delete the file to use the defaults.',
  });
}
