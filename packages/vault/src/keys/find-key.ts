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
import { commandWords, outputOf, outputOfSync, type KeyProgram } from "./key-program.js";
import { holdsKey } from "../text/credentials.js";
import { digestOf } from "../lock/digest.js";
import { identitiesInFile, ownerKeyFile, parseKeyFile, vaultOwnerKeyFile, type KeyFileContent } from "./key-file.js";

export type { Keys };

/** Which key a person or program chose, before the usual places are looked at. */
export interface KeyChoice {
  /** A key file, from `--key` or `keyPath`. */
  readonly keyFile?: string | undefined;
  /** The key itself, from `keyStr`. */
  readonly keyText?: string | undefined;
  /** An agent of the vault, with its key on this machine, from `--agent`. */
  readonly agent?: string | undefined;
  /** The vault's id, asked for only where an owner may have a key for this vault alone. */
  readonly vaultId?: () => string | undefined;
}

/** The variable that names a program which prints the key. */
const KEY_COMMAND_VARIABLE = "AGENT_VAULT_KEY_COMMAND";
const KEY_COMMAND_TIMEOUT_MS = 10_000;
/** How often a passphrase is asked for, since nobody sees what they type. */
const MAX_PASSPHRASE_ATTEMPTS = 3;

/**
 * The identities to read with: the chosen key, `AGENT_VAULT_KEY` (a path or the key itself, which never touches the disk), what the program
 * prints that `AGENT_VAULT_KEY_COMMAND` names, an owner's key for this vault, `owner.key`, and with neither owner's key here the one
 * key in `agents/`.
 * @throws VaultError `NO_KEY`, `INVALID_KEY`, `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`
 */
export async function loadKeys(context: Context, choice: KeyChoice = {}): Promise<Keys> {
  const place = locateKey(context, choice);
  const found = "command" in place ? await runKeyCommand(context, place.command) : readPlace(context, place);
  if (choice.keyFile !== undefined) warnIfOpenToOthers(context, found.source);
  if (!isPassphraseEncrypted(found.bytes)) return readKeys(found, false);
  return readKeys({ ...found, bytes: await unlocked(context, found) }, true);
}

/**
 * As {@link loadKeys}, for what needs no key and asks for no passphrase: the keys may say whose signature to trust.
 * @returns `undefined` where there is no key, none that can be read, or one that is protected
 */
export function findKeys(context: Context, choice: KeyChoice = {}): Keys | undefined {
  try {
    const place = locateKey(context, choice);
    const found = "command" in place ? runKeyCommandSync(context, place.command) : readPlace(context, place);
    if (!isPassphraseEncrypted(found.bytes)) return readKeys(found, false);
    const bytes = context.keyMemory?.get(memoryKey(found));
    return bytes && readKeys({ ...found, bytes }, true);
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

/** Where a key is: a file, which a variable may name; a program that prints it; or here already. */
type KeyPlace = { readonly file: string; readonly variable?: string } | { readonly command: string } | { readonly found: FoundKey };

/**
 * Where the key is that {@link loadKeys} reads, as far as that is known without reading it.
 * @throws VaultError `NO_KEY` where there is none
 */
export function locateKey(context: Context, choice: KeyChoice = {}): KeyPlace {
  const text = (key: string, source: string) => ({ found: { bytes: new TextEncoder().encode(key), source, isOwners: false } });
  if (choice.keyText !== undefined) return text(choice.keyText, "the given key");
  if (choice.keyFile !== undefined) return { file: resolvePath(context, choice.keyFile) };
  const variable = context.env["AGENT_VAULT_KEY"];
  if (variable && isKeyText(variable)) return text(variable, "AGENT_VAULT_KEY");
  if (variable) return { file: resolvePath(context, variable), variable: "AGENT_VAULT_KEY" };
  const command = context.env[KEY_COMMAND_VARIABLE];
  if (command) return { command };
  const id = existsSync(join(context.home, "owners")) ? choice.vaultId?.() : undefined;
  const file = id !== undefined && existsSync(vaultOwnerKeyFile(context, id)) ? vaultOwnerKeyFile(context, id) : ownerKeyFile(context);
  if (existsSync(file)) return { file };
  const agents = agentKeyFiles(context);
  if (agents.length === 1) return { file: agents[0]! };
  throw new VaultError("NO_KEY", "No key was found to read the vault with.", {
    remedy: context.home.startsWith(NO_HOME)
      ? "Give one with --key FILE or AGENT_VAULT_KEY, or set AGENT_VAULT_HOME to the folder of your keys. You have no home folder."
      : `Give one with --key FILE or AGENT_VAULT_KEY. An owner's key belongs in ${ownerKeyFile(context)}.${agents.length === 0 ? "" : ` Agents' keys on this machine: ${andMore(agents, 3)}.`}`,
  });
}

function readPlace(context: Context, place: Exclude<KeyPlace, { command: string }>): FoundKey {
  return "found" in place ? place.found : readKeyFile(context, place.file, place.variable);
}

function agentKeyFiles({ home }: Context): string[] {
  const folder = join(home, "agents");
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".key")) : [];
  return names.toSorted().map((name) => join(folder, name));
}

async function runKeyCommand(context: Context, command: string): Promise<FoundKey> {
  return keyFromCommand(context, command) ?? rememberedKey(context, command, await outputOf(context, keyProgram(command)));
}

function runKeyCommandSync(context: Context, command: string): FoundKey {
  return keyFromCommand(context, command) ?? rememberedKey(context, command, outputOfSync(context, keyProgram(command)));
}

function keyProgram(command: string): KeyProgram {
  const words = commandWords(command, KEY_COMMAND_VARIABLE);
  return { words, variable: KEY_COMMAND_VARIABLE, code: "NO_KEY", timeoutMs: KEY_COMMAND_TIMEOUT_MS };
}

function keyFromCommand(context: Context, command: string): FoundKey | undefined {
  const bytes = context.keyMemory?.get(`command ${command}`);
  return bytes && printedKey(bytes);
}

function rememberedKey(context: Context, command: string, bytes: Uint8Array): FoundKey {
  context.keyMemory?.set(`command ${command}`, bytes);
  return printedKey(bytes);
}

function printedKey(bytes: Uint8Array): FoundKey {
  return { bytes, source: `the output of ${KEY_COMMAND_VARIABLE}`, isOwners: false };
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

const memoryKey = ({ bytes }: FoundKey) => `passphrase ${digestOf(bytes)}`;

/** The content of a protected key; its passphrase is asked for once in a context's life. */
async function unlocked(context: Context, found: FoundKey): Promise<Uint8Array> {
  const remembered = context.keyMemory?.get(memoryKey(found));
  if (remembered) return remembered;
  if (!context.passphrase) {
    throw new VaultError(
      "PASSPHRASE_REQUIRED",
      `${sentenceStart(found.source)} is protected by a passphrase, and there is no terminal to ask for it.`,
      {
        remedy: "Run the command on a terminal, or give the passphrase with --passphrase-fd or AGENT_VAULT_ASKPASS.",
      },
    );
  }
  const bytes = await decryptAsking(context, found.bytes, found.source);
  context.keyMemory?.set(memoryKey(found), bytes);
  return bytes;
}

async function decryptAsking(context: Context, bytes: Uint8Array, source: string): Promise<Uint8Array> {
  let last: string | undefined;
  for (let attempt = 1; ; attempt++) {
    const passphrase = await context.passphrase!(source);
    try {
      return await decryptWithPassphrase(bytes, passphrase);
    } catch (error) {
      // What answers the same once more is no person, or one who is sure.
      const isLast = attempt === MAX_PASSPHRASE_ATTEMPTS || passphrase === last || context.isUnattended;
      if (!(error instanceof VaultError) || error.code !== "WRONG_PASSPHRASE" || isLast) throw error;
      context.warn(error.message);
      last = passphrase;
    }
  }
}

/** Every identity in the folder of keys, former ones included; files that are protected or damaged are left out. */
export function identitiesInHome(context: Context): Identity[] {
  const folders = [context.home, join(context.home, "owners"), join(context.home, "agents")];
  const files = folders.flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).flatMap((name) => (/\.key(?:\.|$)/.test(name) ? [join(folder, name)] : [])) : [],
  );
  return files.flatMap(identitiesInFile);
}

function isKeyText(text: string): boolean {
  return text.includes("AGE-SECRET-KEY-") || text.includes("-----BEGIN AGE ENCRYPTED FILE-----");
}
