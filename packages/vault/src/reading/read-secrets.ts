import { decrypt } from "../age/decrypt.js";
import type { Context } from "../context.js";
import { statFingerprint } from "../disk/stat-fingerprint.js";
import { VaultError } from "../errors.js";
import { CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, POLICY_FILE, secretFile } from "../format/layout.js";
import type { VaultFiles } from "../files/vault-files.js";
import { formatSecretPath, parseSecretPath, type SecretPath } from "../format/names.js";
import type { KeyChoice, Keys } from "../keys/find-key.js";
import { requireNotRemoved } from "../keys/require-not-removed.js";
import { needsAuthorization, presentedToken, type ReadAuthorizer } from "../record/authorize-read.js";
import { recordFailure } from "../record/on-record.js";
import { readingFingerprint } from "../sync/fetch-record.js";
import { fetchStates } from "../sync/fetch-states.js";
import { loadKeysForUse } from "./keys-for-use.js";
import { openVault, type OpenedVault } from "./open-vault.js";
import { mayBeHalfWritten } from "./read-consistently.js";

/** A decrypted secret; it must get into no message and no log. */
export interface SecretValue {
  /** The path as it is shown: without `default/`. */
  readonly secret: string;
  /** Exactly the bytes that were set. */
  readonly value: Uint8Array;
}

/** How a secret is read. */
export interface ReadOptions {
  readonly key?: KeyChoice;
  /** Bring the vault up to date with its upstream first; `true` unless set. */
  readonly pull?: boolean;
  /** A token to use in place of the key; without it `AGENT_VAULT_TOKEN` counts. */
  readonly token?: string | undefined;
  /** Decides over the read where more does than the key. */
  readonly judge?: ReadAuthorizer | undefined;
}

/**
 * Reads one secret with the key of an owner or of an agent that was granted it, after its vault's state and its group's files have
 * been found to be what the owner signed. The use goes on record before the value is given out.
 * @param root absolute path of the vault's folder
 * @throws VaultError what {@link SecretReader} throws
 */
export async function readSecret(context: Context, root: string, path: string, options: ReadOptions = {}): Promise<SecretValue> {
  const [read] = await (await SecretReader.open(context, root, options, [path])).read([path], options);
  return read!;
}

type OpenOptions = Pick<ReadOptions, "key" | "pull" | "token">;

interface Opening {
  readonly context: Context;
  readonly root: string;
  readonly options: OpenOptions;
  readonly keys: Keys;
  readonly fingerprint: string;
  readonly openedAt: number;
}

/** A vault that was verified this long ago is verified again: a state that has expired, for one, leaves no mark on a file. */
const REUSE_WINDOW_MS = 1000;

/** Files that say what the vault's state is, or who may read. */
const DECISIVE_FILES = [LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, POLICY_FILE];

/** Reads secrets of a vault that was brought up to date and verified once: all of that one state, each read with a record of its own. */
export class SecretReader {
  readonly #opening: Opening;
  readonly #vault: OpenedVault;
  /** Of the files of secrets, as they were when they were first read. */
  readonly #fingerprints = new Map<SecretPath, string>();

  private constructor(opening: Opening, vault: OpenedVault) {
    this.#opening = opening;
    this.#vault = vault;
  }

  /**
   * @param root absolute path of the vault's folder
   * @param paths secrets that are about to be read
   * @throws VaultError `INVALID_NAME`, and what {@link loadKeysForUse} and {@link openVault} throw
   */
  static async open(context: Context, root: string, options: OpenOptions = {}, paths: readonly string[] = []): Promise<SecretReader> {
    const secretPaths = paths.map(parseSecretPath);
    const keys = await loadKeysForUse(context, root, options);
    const opening = { context, root, options, keys, fingerprint: readingFingerprint(root, DECISIVE_FILES), openedAt: performance.now() };
    return new SecretReader(opening, await openFiles(opening, secretPaths));
  }

  /**
   * The vault as it is now, to read `paths` of it: this very one where it was opened a moment ago and its files look as they did, for a
   * program that reads on and on.
   * @throws VaultError as `open` does
   */
  async refresh(paths: readonly string[]): Promise<SecretReader> {
    const { context, root, options, keys, fingerprint, openedAt } = this.#opening;
    if (performance.now() - openedAt < REUSE_WINDOW_MS) {
      if (options.pull ?? true) await fetchStates(context, root, { keys });
      const isSame = (path: SecretPath) => [undefined, statFingerprint(root, [secretFile(path)])].includes(this.#fingerprints.get(path));
      if (readingFingerprint(root, DECISIVE_FILES) === fingerprint && paths.map(parseSecretPath).every(isSame)) return this;
    }
    return SecretReader.open(context, root, options, paths);
  }

  /** The paths of all secrets of the vault's state, as they are shown, sorted. */
  secretPaths(): string[] {
    return this.#vault.files.secretPaths().map(formatSecretPath);
  }

  /**
   * The values of secrets, all or none, in the order of `paths`. They are judged as one use, and go on record as one.
   * @throws VaultError `SECRET_NOT_FOUND`, `NOT_AUTHORIZED`, `DAMAGED`, `INVALID_NAME`, `LINK_IN_VAULT`, `TAMPERED`, and what the
   *   judge and the recorder throw
   */
  async read(paths: readonly string[], { token, judge }: Pick<ReadOptions, "token" | "judge"> = {}): Promise<SecretValue[]> {
    const { context, keys } = this.#opening;
    const secretPaths = paths.map(parseSecretPath);
    const secrets = secretPaths.map(formatSecretPath);
    const vault = await this.#vaultWith(secretPaths);
    const { files, homes, trusted } = vault;
    const actor = vault.actor!;
    const values: SecretValue[] = [];
    let judged: Awaited<ReturnType<ReadAuthorizer>> = {};
    try {
      const ciphertexts: Uint8Array[] = [];
      for (const path of secretPaths) ciphertexts.push(await vault.read(() => files.ciphertext(path)));
      for (const home of homes) await requireNotRemoved(home, keys, await actor.principal());
      if (judge && (vault.isUnderPolicy || needsAuthorization(context, [files, ...homes], token))) {
        vault.requireRules();
        judged = await judge(context, { files, homes, actor, paths: secretPaths });
      }
      for (const [index, secret] of secrets.entries()) values.push({ secret, value: await openSecret(ciphertexts[index]!, secret, keys) });
    } catch (error) {
      vault.rememberRefusal(error);
      await recordFailure(context, actor, error, secrets);
      throw error;
    }
    await context.recorder?.record(context, actor, { outcome: "done", secrets, ...judged });
    trusted?.remember();
    return values;
  }

  /** The vault with the files of some secrets; opened again where those are no longer, or not yet, of its state. */
  async #vaultWith(paths: readonly SecretPath[]): Promise<OpenedVault> {
    const { root } = this.#opening;
    try {
      for (const path of paths) {
        const file = secretFile(path);
        if (!this.#fingerprints.has(path)) this.#fingerprints.set(path, statFingerprint(root, [file]));
        this.#vault.files.read(file);
      }
    } catch (error) {
      if (!mayBeHalfWritten(error)) throw error;
      return openFiles(this.#opening, paths);
    }
    return this.#vault;
  }
}

/** Opens a vault with what decides about reading, and the files of some secrets. */
function openFiles({ context, root, keys, options }: Opening, paths: readonly SecretPath[]): Promise<OpenedVault> {
  const needed = [CONFIG_FILE, POLICY_FILE, ...paths.map(secretFile)];
  const localOnly = options.pull === false;
  return openVault(context, root, "files", { keys, localOnly, read: (files) => needed.forEach((file) => files.read(file)) });
}

/**
 * Checks that a secret is there, without opening it. With a key, the look is in the audit log as a use is.
 * @returns the path as it is shown
 * @throws VaultError `SECRET_NOT_FOUND`, `INVALID_NAME`, and as {@link readSecret}
 */
export async function peekSecret(
  context: Context,
  root: string,
  path: string,
  { key, judge }: Pick<ReadOptions, "key" | "judge"> = {},
): Promise<string> {
  const secretPath = parseSecretPath(path);
  const secret = formatSecretPath(secretPath);
  const read = (files: VaultFiles) => [POLICY_FILE, secretFile(secretPath)].forEach((file) => files.read(file));
  const vault = await openVault(context, root, "files", { key, read });
  const { files, actor, trusted } = vault;
  await vault.read(() => files.read(POLICY_FILE));
  await vault.read(() => files.ciphertext(secretPath));
  if (actor) {
    const judged = judge && presentedToken(context) !== undefined ? await judge(context, { files, actor, paths: [secretPath] }) : {};
    await context.recorder?.record(context, actor, { outcome: "done", secrets: [secret], ...judged });
  }
  trusted?.remember();
  return secret;
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
