import { accessSync, chmodSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseIdentity, type Identity } from "../age/identity.js";
import type { Context } from "../context.js";
import { createFile } from "../disk/atomic-file.js";
import { VaultError, writeError } from "../errors.js";
import { parseAgentName } from "../format/names.js";
import { parseKeyComments, type KeyComments } from "./key-comments.js";

/** Where an owner's key for all vaults is: `owner.key` in the folder of keys. */
export const ownerKeyFile = (context: Context): string => join(context.home, "owner.key");

/** Where an owner's key for one vault alone is, as `init --new-key` and `rotate-owner` make it. */
export const vaultOwnerKeyFile = (context: Context, vaultId: string): string => join(context.home, "owners", `${vaultId}.key`);

/**
 * Where an agent's key is.
 * @param vaultId for the name that is used where another vault's agent of that name has the plain one: `NAME-` and 8 characters of the id
 * @throws VaultError `INVALID_NAME`
 */
export const agentKeyFile = (context: Context, agent: string, vaultId?: string): string =>
  join(context.home, "agents", `${parseAgentName(agent)}${vaultId === undefined ? "" : `-${vaultId.slice(0, 8)}`}.key`);

/** What an age identity file holds: identities, a line each, and comments. */
export interface KeyFileContent {
  readonly identities: readonly Identity[];
  readonly comments: KeyComments;
}

/** Reads an age identity file. @throws VaultError `INVALID_KEY` for a line that is neither an identity nor a comment */
export function parseKeyFile(bytes: Uint8Array): KeyFileContent {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  const keys = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  return { identities: keys.map(parseIdentity), comments: parseKeyComments(lines) };
}

/** The text of a key file: the identity under comments that say what it is for. Age tools ignore the comments. */
export async function serializeKeyFile(
  identity: Identity,
  comments: Readonly<Record<string, string | readonly string[] | undefined>>,
): Promise<string> {
  const lines = Object.entries({ ...comments, "public key": await identity.recipient() }).flatMap(([name, value]) =>
    [value ?? []].flat().map((line) => `# ${name}: ${line}`),
  );
  return `${[...lines, identity.reveal()].join("\n")}\n`;
}

/**
 * What a key file says of itself, and the recipients of its keys, if it holds any.
 * @returns `undefined` for a file that is missing, protected by a passphrase, or not a key file
 */
export async function describeKeyFile(file: string): Promise<{ comments: KeyComments; recipients: string[] } | undefined> {
  try {
    const { identities, comments } = parseKeyFile(readFileSync(file));
    return { comments, recipients: await Promise.all(identities.map((identity) => identity.recipient())) };
  } catch {
    return undefined;
  }
}

/**
 * Writes a key file that only its owner can read (0600 in 0700 folders), whole or not at all, and never over another file.
 * @param passphrase protects the file where given
 * @throws VaultError `ALREADY_EXISTS`, `UNWRITABLE`, `DISK_FULL`
 */
export async function writeKeyFile(context: Context, file: string, text: string, passphrase?: string): Promise<void> {
  const { encryptWithPassphrase } = await import("../age/encrypt.js");
  const plain = new TextEncoder().encode(text);
  const bytes = passphrase === undefined ? plain : await encryptWithPassphrase(plain, passphrase);
  try {
    makePrivateFolder(context, dirname(file));
  } catch (error) {
    throw writeError(error, file);
  }
  if (!createFile(file, bytes, { durable: true })) throw keyExists(file);
}

/** Fails early where {@link writeKeyFile} would fail later. @throws VaultError `ALREADY_EXISTS`, `UNWRITABLE` */
export function requireNoKeyFile(context: Context, file: string): void {
  if (existsSync(file)) throw keyExists(file);
  requireKeyFolder(context, dirname(file));
}

/** Makes a folder of keys where it is missing. @throws VaultError `UNWRITABLE` where no key could be written in it or moved */
export function requireKeyFolder(context: Context, folder: string): void {
  try {
    makePrivateFolder(context, folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw writeError(error, folder);
  }
}

/** What a key file's name gets before the time at which it was put aside. */
const RETIRED = ".retired-";

/** The identities in a key file; none where it is protected, damaged or missing. */
export function identitiesInFile(file: string): readonly Identity[] {
  try {
    return parseKeyFile(readFileSync(file)).identities;
  } catch {
    return [];
  }
}

/** The key files that {@link archiveKeyFile} has put aside in the place of one. */
export function retiredKeyFiles(file: string): string[] {
  const folder = dirname(file);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => (name.startsWith(`${basename(file)}${RETIRED}`) ? [join(folder, name)] : []));
}

/**
 * Renames a key file that is no longer used; it can still open what git's history holds.
 * @returns the new path, or `undefined` where there is no such file
 */
export function archiveKeyFile(context: Context, file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const retired = `${file}${RETIRED}${context.now().toISOString().replace(/[:.]/g, "")}`;
  renameSync(file, retired);
  return retired;
}

function makePrivateFolder(context: Context, folder: string): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined && folder.startsWith(context.home)) chmodSync(folder, 0o700);
}

function keyExists(file: string): VaultError {
  return new VaultError("ALREADY_EXISTS", `There is a key in ${file} already, and keys are never overwritten.`, {
    remedy: "Move that file away if it is no longer needed, or name another file for this key with --out FILE.",
  });
}
