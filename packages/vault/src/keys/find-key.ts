import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { decryptWithPassphrase, isPassphraseEncrypted } from "../age/decrypt.js";
import type { Identity } from "../age/identity.js";
import { resolvePath, type Context } from "../context.js";
import { isSystemError, NO_HOME, VaultError } from "../errors.js";
import { andMore } from "../text/counts.js";
import { shellWord } from "../text/shell-word.js";
import type { Keys } from "./keys.js";
import { holdsKey } from "../text/credentials.js";
import { ownerKeyFile, parseKeyFile, vaultOwnerKeyFile, type KeyFileContent } from "./key-file.js";

export type { Keys };

/** Which key a person or program chose, before the usual places are looked at. */
export interface KeyChoice {
  /** A key file, from `--key` or `keyPath`. */
  readonly keyFile?: string | undefined;
  /** The key itself, from `keyStr`. */
  readonly keyText?: string | undefined;
  /** The vault's id, asked for only where an owner may have a key for this vault alone. */
  readonly vaultId?: () => string | undefined;
}

/** How often a passphrase is asked for, since nobody sees what they type. */
const MAX_PASSPHRASE_ATTEMPTS = 3;

/**
 * The identities to read with: the chosen key, `AGENT_VAULT_KEY` (a path or the key itself, which never touches the disk), an owner's
 * key for this vault, `owner.key`.
 * @throws VaultError `NO_KEY`, `INVALID_KEY`, `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`
 */
export async function loadKeys(context: Context, choice: KeyChoice = {}): Promise<Keys> {
  const found = findKey(context, choice);
  if (choice.keyFile !== undefined) warnIfOpenToOthers(context, found.source);
  if (!isPassphraseEncrypted(found.bytes)) return readKeys(found, false);
  if (!context.passphrase) {
    throw new VaultError(
      "PASSPHRASE_REQUIRED",
      `${sentenceStart(found.source)} is protected by a passphrase, and there is no terminal to ask for it.`,
      {
        remedy: "Run the command on a terminal, or give a key without a passphrase.",
      },
    );
  }
  return readKeys({ ...found, bytes: await decryptAsking(context, found.bytes, found.source) }, true);
}

/**
 * As {@link loadKeys}, for what needs no key and asks for no passphrase: the keys may say whose signature to trust.
 * @returns `undefined` where there is no key, none that can be read, or one that is protected
 */
export function findKeys(context: Context, choice: KeyChoice = {}): Keys | undefined {
  try {
    const found = findKey(context, choice);
    return isPassphraseEncrypted(found.bytes) ? undefined : readKeys(found, false);
  } catch (error) {
    if (error instanceof VaultError && /^(?:NO_KEY|INVALID_KEY)$/.test(error.code)) return undefined;
    throw error;
  }
}

/** The bytes of a key file or variable, and where they came from. */
interface FoundKey {
  readonly bytes: Uint8Array;
  readonly source: string;
  readonly isOwners: boolean;
}

function findKey(context: Context, choice: KeyChoice): FoundKey {
  const text = (key: string, source: string) => ({ bytes: new TextEncoder().encode(key), source, isOwners: false });
  if (choice.keyText !== undefined) return text(choice.keyText, "the given key");
  if (choice.keyFile !== undefined) return readKeyFile(context, resolvePath(context, choice.keyFile));
  const variable = context.env["AGENT_VAULT_KEY"];
  if (variable && isKeyText(variable)) return text(variable, "AGENT_VAULT_KEY");
  if (variable) return readKeyFile(context, resolvePath(context, variable), "AGENT_VAULT_KEY");
  const id = existsSync(join(context.home, "owners")) ? choice.vaultId?.() : undefined;
  const file = id !== undefined && existsSync(vaultOwnerKeyFile(context, id)) ? vaultOwnerKeyFile(context, id) : ownerKeyFile(context);
  if (existsSync(file)) return readKeyFile(context, file);
  throw new VaultError("NO_KEY", "There is no key to read the vault with.", {
    remedy: context.home.startsWith(NO_HOME)
      ? "Give one with --key FILE or AGENT_VAULT_KEY, or set AGENT_VAULT_HOME to the folder of your keys. You have no home folder."
      : `Give one with --key FILE or AGENT_VAULT_KEY. An owner's key belongs in ${ownerKeyFile(context)}.${agentKeysHere(context)}`,
  });
}

function agentKeysHere({ home }: Context): string {
  const folder = join(home, "agents");
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".key")) : [];
  return files.length === 0
    ? ""
    : ` Agents' keys on this machine: ${andMore(
        files.map((name) => join(folder, name)),
        3,
      )}.`;
}

function readKeyFile(context: Context, file: string, variable?: string): FoundKey {
  if (holdsKey(file)) {
    throw new VaultError("INVALID_KEY", "A key or a token was given where the path of a key file belongs.", {
      remedy: "Put the key into a file of mode 0600, or into AGENT_VAULT_KEY.",
    });
  }
  const isOwners = file === ownerKeyFile(context) || dirname(file) === join(context.home, "owners");
  try {
    return { bytes: readFileSync(file), source: variable ? `the file that ${variable} names` : file, isOwners };
  } catch (cause) {
    const why = isSystemError(cause, "ENOENT", "ENOTDIR") ? "does not exist" : "could not be read";
    // The variable may hold a mistyped key, so its value is not repeated.
    throw new VaultError("NO_KEY", variable ? `The file that ${variable} names ${why}.` : `The key file ${file} ${why}.`, {
      remedy: variable ? `Set ${variable} to a path or to a key (AGE-SECRET-KEY-1...).` : "Check the path and its permissions.",
      cause: variable ? undefined : cause,
    });
  }
}

/** As ssh does for its keys. Windows has no such modes. */
function warnIfOpenToOthers(context: Context, file: string): void {
  if (process.platform === "win32" || !((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o077)) return;
  context.warn(`Other users can read the key file ${file}. Close it: chmod 600 ${shellWord(file)}.`);
}

function readKeys({ bytes, source, isOwners }: FoundKey, isProtected: boolean): Keys {
  let content: KeyFileContent;
  try {
    content = parseKeyFile(bytes);
  } catch (cause) {
    throw new VaultError("INVALID_KEY", `${sentenceStart(source)} is not an age key file.`, {
      remedy: "It should hold a line AGE-SECRET-KEY-1... Check that it is the right file, and complete.",
      cause,
    });
  }
  const { identities, comments } = content;
  if (identities.length === 0) {
    throw new VaultError("INVALID_KEY", `${sentenceStart(source)} holds no key.`, {
      remedy: "A key file holds a line AGE-SECRET-KEY-1... Generate one with age-keygen or agent-vault init.",
    });
  }
  return { identities, source, comments, isOwners: isOwners || comments.role === "owner", isProtected };
}

function sentenceStart(source: string): string {
  return source.replace(/^the /, "The ");
}

async function decryptAsking(context: Context, bytes: Uint8Array, source: string): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await decryptWithPassphrase(bytes, await context.passphrase!(source));
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== "WRONG_PASSPHRASE" || attempt === MAX_PASSPHRASE_ATTEMPTS) throw error;
      context.warn(error.message);
    }
  }
}

/** Every identity in the folder of keys, former ones included; files that are protected or damaged are left out. */
export function identitiesInHome(context: Context): Identity[] {
  const folders = [context.home, join(context.home, "owners"), join(context.home, "agents")];
  const files = folders.flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).flatMap((name) => (/\.key(?:\.|$)/.test(name) ? [join(folder, name)] : [])) : [],
  );
  return files.flatMap((file) => {
    try {
      return parseKeyFile(readFileSync(file)).identities;
    } catch {
      return [];
    }
  });
}

function isKeyText(text: string): boolean {
  return text.includes("AGE-SECRET-KEY-") || text.includes("-----BEGIN AGE ENCRYPTED FILE-----");
}
