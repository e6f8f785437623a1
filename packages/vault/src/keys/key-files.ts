import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { decryptWithPassphrase, isPassphraseEncrypted } from "../age/decrypt.js";
import { parseIdentity, type Identity } from "../age/identity.js";
import { resolvePath, type Context } from "../context.js";
import { isSystemError, NO_HOME, VaultError, writeError } from "../errors.js";
import { parseAgentName } from "../format/names.js";
import type { Digest } from "../lock/digest.js";
import { parseSshPublicKey, type SshPublicKey } from "../lock/ssh-signature.js";
import type { StateRef } from "../trust/trust-store.js";

/** Which key a person or program chose, before the usual places are looked at. */
export interface KeyChoice {
  /** A key file, from `--key` or `keyPath`. */
  readonly keyFile?: string | undefined;
  /** The key itself, from `keyStr`. */
  readonly keyText?: string | undefined;
  /** The vault's id, asked for only where a vault may have an owner's key of its own. */
  readonly vaultId?: () => string | undefined;
}

/** Identities and where they came from, in words for a message. */
export interface Keys {
  readonly identities: readonly Identity[];
  readonly source: string;
  readonly comments: KeyComments;
  /** Whether it lay where an owner's own key lies, or says that it is one: then it is an owner's whatever a vault says. */
  readonly isOwners: boolean;
}

/** What a key file says of itself in its comments. */
export interface KeyComments {
  /** `# role: owner`: the key was made for an owner. */
  readonly role: string | undefined;
  /** `# agent: NAME`: the agent that the key was made for. */
  readonly agent: string | undefined;
  /** `# vault: ID`: the vault that the key was made for. */
  readonly vault: string | undefined;
  /** `# owner: ssh-ed25519 ...`: who signs that vault. */
  readonly owners: readonly SshPublicKey[];
  /** `# state: SEQUENCE sha256:...`: the vault's state when the file was written. */
  readonly state: StateRef | undefined;
}

export const NO_COMMENTS: KeyComments = { role: undefined, agent: undefined, vault: undefined, owners: [], state: undefined };

/** How often a passphrase is asked for, as a slip of the finger cannot be seen. */
const PASSPHRASE_ATTEMPTS = 3;

export const ownerKeyFile = (context: Context): string => join(context.home, "owner.key");
/** An owner's key for one vault alone, as `init --new-key` makes it. */
export const vaultOwnerKeyFile = (context: Context, vaultId: string): string => join(context.home, "owners", `${vaultId}.key`);
/** An agent's key file; the one with a part of the vault's id is for where another vault's agent of that name has the plain one. */
export const agentKeyFile = (context: Context, agent: string, vaultId?: string): string =>
  join(context.home, "agents", `${parseAgentName(agent)}${vaultId === undefined ? "" : `-${vaultId.slice(0, 8)}`}.key`);

/**
 * The identities to read with: the chosen key, `AGENT_VAULT_KEY` (a path or the key itself, which never touches the disk), the
 * vault's own owner's key, `owner.key`.
 * @throws VaultError `NO_KEY`, `INVALID_KEY`, `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`
 */
export async function loadKeys(context: Context, choice: KeyChoice = {}): Promise<Keys> {
  const found = findKey(context, choice);
  if (!isPassphraseEncrypted(found.bytes)) return readKeys(found);
  if (!context.passphrase) {
    throw new VaultError("PASSPHRASE_REQUIRED", `${found.source} is protected by a passphrase, and nobody can be asked for it here.`, {
      remedy: "Run the command on a terminal, or give a key without a passphrase.",
    });
  }
  return readKeys({ ...found, bytes: await decryptAsking(context, found.bytes, found.source) });
}

/** The keys at hand for what needs none, without asking for a passphrase: they may say whose signature to trust. */
export function findKeys(context: Context, choice: KeyChoice = {}): Keys | undefined {
  try {
    const found = findKey(context, choice);
    return isPassphraseEncrypted(found.bytes) ? undefined : readKeys(found);
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
  const text = (key: string, source: string) => ({ bytes: encode(key), source, isOwners: false });
  if (choice.keyText !== undefined) return text(choice.keyText, "the given key");
  if (choice.keyFile !== undefined) return readKeyFile(context, resolvePath(context, choice.keyFile));
  const variable = context.env["AGENT_VAULT_KEY"];
  if (variable && isKeyText(variable)) return text(variable, "AGENT_VAULT_KEY");
  if (variable) return readKeyFile(context, resolvePath(context, variable), "AGENT_VAULT_KEY");
  const own = existsSync(join(context.home, "owners")) ? choice.vaultId?.() : undefined;
  const file = own !== undefined && existsSync(vaultOwnerKeyFile(context, own)) ? vaultOwnerKeyFile(context, own) : ownerKeyFile(context);
  if (existsSync(file)) return readKeyFile(context, file);
  throw new VaultError("NO_KEY", "There is no key to read the vault with.", {
    remedy: context.home.startsWith(NO_HOME)
      ? "Give one with --key FILE or AGENT_VAULT_KEY, or set AGENT_VAULT_HOME to the folder of your keys; you have no home folder."
      : `Give one with --key FILE or AGENT_VAULT_KEY; an owner's key lies in ${ownerKeyFile(context)}.`,
  });
}

function readKeyFile(context: Context, file: string, from?: string): FoundKey {
  if (isKeyText(file.toUpperCase())) {
    throw new VaultError("INVALID_KEY", "A key was given where the path of its file belongs.", {
      remedy: "Put it into a file of mode 0600, or into AGENT_VAULT_KEY.",
    });
  }
  const isOwners = file === ownerKeyFile(context) || dirname(file) === join(context.home, "owners");
  try {
    return { bytes: readFileSync(file), source: from ? `the file that ${from} names` : file, isOwners };
  } catch (cause) {
    const why = isSystemError(cause, "ENOENT", "ENOTDIR") ? "does not exist" : "could not be read";
    // What stands in the variable may be a mistyped key, so it is not repeated.
    throw new VaultError("NO_KEY", from ? `The file that ${from} names ${why}.` : `The key file ${file} ${why}.`, {
      remedy: from ? `Set ${from} to a path or to a key (AGE-SECRET-KEY-1...).` : "Check the path and its permissions.",
      cause: from ? undefined : cause,
    });
  }
}

/** Reads an age identity file: lines of identities and comments. */
function readKeys({ bytes, source, isOwners }: FoundKey): Keys {
  const lines = linesOf(bytes);
  const identities = keysAmong(lines);
  if (identities.length === 0)
    throw new VaultError("INVALID_KEY", `${source} holds no key.`, {
      remedy: "A key file holds a line AGE-SECRET-KEY-1...; generate one with age-keygen or agent-vault init.",
    });
  try {
    const comments = readComments(lines);
    return { identities: identities.map(parseIdentity), source, comments, isOwners: isOwners || comments.role === "owner" };
  } catch (cause) {
    throw new VaultError("INVALID_KEY", `${source} is not an age key file.`, {
      remedy: "It should hold a line AGE-SECRET-KEY-1...; check that it is the right file and whole.",
      cause,
    });
  }
}

function linesOf(bytes: Uint8Array): string[] {
  return new TextDecoder().decode(bytes).split(/\r?\n/);
}

function keysAmong(lines: readonly string[]): string[] {
  return lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
}

function readComments(lines: readonly string[]): KeyComments {
  const values = (name: string) => lines.flatMap((line) => new RegExp(`^# ${name}: (.+)$`).exec(line.trim())?.[1] ?? []);
  const state = /^(\d{1,15}) (sha256:[0-9a-f]{64})$/.exec(values("state")[0] ?? "");
  return {
    role: values("role")[0],
    agent: values("agent")[0],
    vault: values("vault")[0],
    owners: values("owner").flatMap((text) => parseSshPublicKey(text) ?? []),
    state: state ? { sequence: Number(state[1]), lock: state[2] as Digest } : undefined,
  };
}

async function decryptAsking(context: Context, bytes: Uint8Array, source: string): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await decryptWithPassphrase(bytes, await context.passphrase!(source));
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== "WRONG_PASSPHRASE" || attempt === PASSPHRASE_ATTEMPTS) throw error;
      context.warn(error.message);
    }
  }
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
 * @returns `undefined` for a file that is missing, protected by a passphrase, or no key file
 */
export async function describeKeyFile(file: string): Promise<{ comments: KeyComments; recipients: string[] } | undefined> {
  try {
    const lines = linesOf(readFileSync(file));
    const recipients = await Promise.all(keysAmong(lines).map((key) => parseIdentity(key).recipient()));
    return { comments: readComments(lines), recipients };
  } catch {
    return undefined;
  }
}

/** All identities that lie in the folder of keys, also those that have had their day; what is protected or damaged is passed over. */
export function identitiesInHome(context: Context): Identity[] {
  const folders = [context.home, join(context.home, "owners"), join(context.home, "agents")];
  const files = folders.flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).flatMap((name) => (/\.key(?:\.|$)/.test(name) ? [join(folder, name)] : [])) : [],
  );
  return files.flatMap((file) => {
    try {
      return keysAmong(linesOf(readFileSync(file))).map(parseIdentity);
    } catch {
      return [];
    }
  });
}

/**
 * Writes a key file for its owner's eyes only (0600 in 0700 folders), whole or not at all, and never over another file.
 * @param passphrase protects the file where given
 * @throws VaultError `ALREADY_EXISTS`, `UNWRITABLE`, `DISK_FULL`
 */
export async function writeKeyFile(context: Context, file: string, text: string, passphrase?: string): Promise<void> {
  const { encryptWithPassphrase } = await import("../age/encrypt.js");
  const bytes = passphrase === undefined ? encode(text) : await encryptWithPassphrase(encode(text), passphrase);
  const draft = `${file}.${Buffer.from(context.random(6)).toString("hex")}`;
  try {
    makePrivateFolder(context, dirname(file));
    const descriptor = openSync(draft, "wx", 0o600);
    try {
      writeSync(descriptor, bytes);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    linkSync(draft, file);
  } catch (error) {
    if (isSystemError(error, "EEXIST")) throw keyExists(file);
    throw writeError(error, file);
  } finally {
    if (existsSync(draft)) unlinkSync(draft);
  }
}

/** Fails early where {@link writeKeyFile} would fail later. */
export function requireNoKeyFile(context: Context, file: string): void {
  if (existsSync(file)) throw keyExists(file);
  requireKeyFolder(context, dirname(file));
}

/** Makes a folder of keys where it is missing, and fails where no key could be written in it or moved. @throws VaultError `UNWRITABLE` */
export function requireKeyFolder(context: Context, folder: string): void {
  try {
    makePrivateFolder(context, folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw writeError(error, folder);
  }
}

/** Moves a key file that has had its day aside, where it can still open old history. @returns the new path, or `undefined` without such a file */
export function archiveKeyFile(context: Context, file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  const retired = `${file}.retired-${context.now().toISOString().replace(/[:.]/g, "")}`;
  renameSync(file, retired);
  return retired;
}

function makePrivateFolder(context: Context, folder: string): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined && folder.startsWith(context.home)) chmodSync(folder, 0o700);
}

function keyExists(file: string): VaultError {
  return new VaultError("ALREADY_EXISTS", `There is a key in ${file} already, and keys are never overwritten.`, {
    remedy: "Move it away first if it is no longer needed, or name another file for this one (--out FILE, with restore-agent --to FILE).",
  });
}

function isKeyText(text: string): boolean {
  return text.includes("AGE-SECRET-KEY-") || text.includes("-----BEGIN AGE ENCRYPTED FILE-----");
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
