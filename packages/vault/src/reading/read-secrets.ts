import { decrypt } from "../age/decrypt.js";
import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import { VaultFolder } from "../files/vault-folder.js";
import { needsAuthorization, presentedToken, type ReadAuthorizer } from "../record/authorize-read.js";
import { findKeys, loadKeys, type KeyChoice, type Keys } from "../keys/find-key.js";
import { LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, POLICY_FILE, secretFile } from "../format/layout.js";
import { statFingerprint } from "../disk/stat-fingerprint.js";
import { formatSecretPath, parseSecretPath, type SecretPath } from "../format/names.js";
import { pull } from "../sync/pull.js";
import { actorOf, recordFailure } from "../record/recorder.js";
import { withTamperedFileNames } from "../trust/tampered-file-names.js";
import { vaultIdIn } from "../lock/open-lock.js";
import type { TrustedState } from "../trust/vault-trust.js";
import { VaultFiles } from "../files/vault-files.js";
import { readConsistently } from "./read-consistently.js";

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
  /** A token that stands for the key; without it `AGENT_VAULT_TOKEN` counts. */
  readonly token?: string | undefined;
  /** Decides over the read where more does than the key. */
  readonly judge?: ReadAuthorizer | undefined;
}

/**
 * Reads one secret with the key of an owner or of an agent that was granted it, after its vault's state and its group's files have
 * been found to be what the owner signed. The use goes on record before the value is given out.
 * @param root absolute path of the vault's folder
 * @throws VaultError what {@link OpenVault} throws
 */
export async function readSecret(context: Context, root: string, path: string, options: ReadOptions = {}): Promise<SecretValue> {
  const [read] = await (await OpenVault.open(context, root, options, [path])).read([path], options);
  return read!;
}

type OpenOptions = Pick<ReadOptions, "key" | "pull">;

interface Opening {
  readonly context: Context;
  readonly root: string;
  readonly options: OpenOptions;
  readonly keys: Keys;
  readonly marks: string;
  readonly openedAt: number;
}

/** What is not seen in the marks of files, such as a state that has expired, is seen after so many milliseconds. */
const MOMENT = 1000;

/** Files that say what the vault's state is, or who may read. */
const DECISIVE_FILES = [LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, POLICY_FILE];

/** A vault that was brought up to date and verified once. Whatever is read of it, each time with a record of its own, is of that one state. */
export class OpenVault {
  readonly #context: Context;
  readonly #root: string;
  readonly #keys: Keys;
  readonly #files: VaultFiles;
  readonly #state: TrustedState | undefined;
  readonly #options: OpenOptions;
  readonly #openedAt: number;
  readonly #marks: string;
  /** How the files of secrets looked when they were first read. */
  readonly #read = new Map<SecretPath, string>();

  private constructor(request: Opening, files: VaultFiles, state: TrustedState | undefined) {
    this.#context = request.context;
    this.#root = request.root;
    this.#options = request.options;
    this.#keys = request.keys;
    this.#marks = request.marks;
    this.#openedAt = request.openedAt;
    this.#files = files;
    this.#state = state;
  }

  /**
   * @param root absolute path of the vault's folder
   * @param paths secrets that are about to be read
   * @throws VaultError `INVALID_NAME`, and what {@link loadKeys}, {@link pull} and `VaultTrust` throw
   */
  static async open(context: Context, root: string, options: OpenOptions = {}, paths: readonly string[] = []): Promise<OpenVault> {
    const wanted = [POLICY_FILE, ...paths.map(parseSecretPath).map(secretFile)];
    const keys = await loadKeys(context, { ...options.key, vaultId: () => vaultIdIn(new VaultFolder(root)) });
    if (options.pull ?? true) await pull(context, root, { keys });
    const openedAt = performance.now();
    let marks = "";
    const newFiles = () => {
      marks = statFingerprint(root, DECISIVE_FILES);
      return new VaultFiles(root);
    };
    const { files, state } = await readConsistently(context, root, keys, newFiles, (look) => wanted.forEach((file) => look.read(file)));
    return new OpenVault({ context, root, options, keys, marks, openedAt }, files, state);
  }

  /**
   * The vault as it is now, to read `paths` of it: this very one where it was opened a moment ago and its files look as they did, for a
   * program that reads on and on.
   * @throws VaultError as `open` does
   */
  async again(paths: readonly string[]): Promise<OpenVault> {
    if (performance.now() - this.#openedAt < MOMENT) {
      if (this.#options.pull ?? true) await pull(this.#context, this.#root, { keys: this.#keys });
      const isSame = (path: SecretPath) => [undefined, statFingerprint(this.#root, [secretFile(path)])].includes(this.#read.get(path));
      if (statFingerprint(this.#root, DECISIVE_FILES) === this.#marks && paths.map(parseSecretPath).every(isSame)) return this;
    }
    return OpenVault.open(this.#context, this.#root, this.#options, paths);
  }

  /**
   * The values of secrets, all or none, in the order of `paths`. They are judged as one use, and go on record as one.
   * @throws VaultError `SECRET_NOT_FOUND`, `NOT_AUTHORIZED`, `DAMAGED`, `INVALID_NAME`, `LINK_IN_VAULT`, `TAMPERED`, and what the
   *   judge and the recorder throw
   */
  async read(paths: readonly string[], { token, judge }: Pick<ReadOptions, "token" | "judge"> = {}): Promise<SecretValue[]> {
    const [context, files] = [this.#context, this.#files];
    const secretPaths = paths.map(parseSecretPath);
    const secrets = secretPaths.map(formatSecretPath);
    const actor = actorOf(files, this.#keys, this.#state?.lock.vault);
    const values: SecretValue[] = [];
    let judged: Awaited<ReturnType<ReadAuthorizer>> = {};
    try {
      const ciphertexts: Uint8Array[] = [];
      for (const path of secretPaths) {
        if (!this.#read.has(path)) this.#read.set(path, statFingerprint(this.#root, [secretFile(path)]));
        ciphertexts.push(await withTamperedFileNames(context, this.#root, () => files.ciphertext(path)));
      }
      if (judge && (this.#state?.isUnderPolicy || needsAuthorization(context, files, token))) {
        this.#state?.requireLatest();
        judged = await judge(context, { files, actor, paths: secretPaths });
      }
      for (const [index, secret] of secrets.entries())
        values.push({ secret, value: await openSecret(ciphertexts[index]!, secret, this.#keys) });
    } catch (error) {
      await recordFailure(context, actor, error, secrets);
      throw error;
    }
    await context.recorder?.record(context, actor, { outcome: "done", secrets, ...judged });
    this.#state?.remember();
    return values;
  }
}

/**
 * Sees that a secret is there, without opening it. Where a key is at hand, the look goes on record as a use does.
 * @returns the path as it is shown
 * @throws VaultError `SECRET_NOT_FOUND`, `INVALID_NAME`, and as {@link readSecret}
 */
export async function peekSecret(
  context: Context,
  root: string,
  path: string,
  { key = {}, judge }: Pick<ReadOptions, "key" | "judge"> = {},
): Promise<string> {
  const secretPath = parseSecretPath(path);
  const secret = formatSecretPath(secretPath);
  const keys = findKeys(context, { ...key, vaultId: () => vaultIdIn(new VaultFolder(root)) });
  const newFiles = () => new VaultFiles(root);
  const { files, state } = await readConsistently(context, root, keys, newFiles, (look) => void look.read(secretFile(secretPath)));
  await withTamperedFileNames(context, root, () => files.ciphertext(secretPath));
  if (keys) {
    const actor = actorOf(files, keys, state?.lock.vault);
    const judged = judge && presentedToken(context) !== undefined ? await judge(context, { files, actor, paths: [secretPath] }) : {};
    await context.recorder?.record(context, actor, { outcome: "done", secrets: [secret], ...judged });
  }
  state?.remember();
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
