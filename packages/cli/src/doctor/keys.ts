import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkKeyFiles, findKeys, findVaultKeys, ownerKeyFile, presentedToken, type Context, type KeyChoice } from "@agent-vault/vault";
import { diagnose, ok, warning, type Diagnosis } from "./diagnosis.js";

/** The permissions of the key files on this machine. */
export function examineKeyFiles(context: Context): Diagnosis[] {
  const found: Diagnosis[] = [];
  checkKeyFiles(context, (severity, _kind, _subject, message, remedy) => found.push({ subject: "keys", state: severity, message, remedy }));
  if (found.length > 0) return found;
  return [
    existsSync(context.home)
      ? ok("keys", `Other users cannot read ${context.home}.`)
      : ok("keys", `There are no keys in ${context.home} yet.`),
  ];
}

function hasAnyKey(context: Context, { keyFile }: KeyChoice): boolean {
  return (
    keyFile !== undefined ||
    Boolean(context.env["AGENT_VAULT_KEY"]) ||
    existsSync(ownerKeyFile(context)) ||
    existsSync(join(context.home, "owners"))
  );
}

/** A token in the environment limits every command, which surprises where it was forgotten. */
export function examineToken(context: Context): Diagnosis[] {
  if (presentedToken(context) === undefined) return [];
  return [ok("token", "AGENT_VAULT_TOKEN is set, so commands can do only what that token allows.")];
}

/** The key that commands would use. */
export function examineKey(context: Context, root: string | undefined, key: KeyChoice): Diagnosis {
  try {
    const keys = root === undefined ? findKeys(context, key) : findVaultKeys(context, root, key);
    if (!keys && !hasAnyKey(context, key))
      return warning("key", "There is no key yet.", "Create one with agent-vault init, or name one with --key FILE.");
    if (keys) return ok("key", `The key is read from ${keys.source}.`);
    return warning(
      "key",
      "There is no key that can be read without a passphrase.",
      "Name a key with --key FILE or AGENT_VAULT_KEY. A key with a passphrase needs a terminal.",
    );
  } catch (failure) {
    return diagnose("key", failure);
  }
}
