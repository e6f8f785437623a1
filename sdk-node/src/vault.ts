import process from "node:process";
import {
  findVault,
  isAuditOff,
  findVaultKeys,
  disabledRecorder,
  parseRepositoryUrl,
  parseSecretPath,
  printable,
  processContext,
  pull,
  resolvePath,
  SecretReader,
  variableName,
  VaultError,
  withAuthorization,
  type Context,
  type KeyChoice,
  type RepositoryUrl,
  decodeUtf8,
} from "@agent-vault/vault/read-only";
import type { VaultState } from "@agent-vault/vault";
import { typedError } from "./errors.js";
import { judge, ledgerRecorder } from "./optional-packages.js";
import { checkOptions, requirePaths, requireText, type VaultOptions } from "./options.js";
import { startWatch, type SecretChange, type Watch, type WatchOptions } from "./watch.js";
import { wholeVault } from "./whole-vault.js";

/** What may be told of a secret without its value. */
export interface SecretMetadata {
  readonly name: string;
  readonly group: string;
  readonly createdAt: Date;
  readonly rotatedAt: Date;
  readonly expiresAt?: Date;
  readonly authorizedAgents: string[];
}

export interface AgentInfo {
  readonly name: string;
  readonly groups: string[];
}

/**
 * Reads the secrets that a key was granted. It changes nothing in the vault; the one thing that it may write is what `git fetch` and a
 * fast-forward write, and the clone of a URL. All methods throw `VaultError` or one of its subclasses, each with a `code`.
 */
export class Vault {
  readonly #context: Context;
  readonly #autoPull: boolean;
  readonly #url: RepositoryUrl | undefined;
  readonly #watches = new Set<Watch>();
  #key: KeyChoice;
  /** The vault's folder; not known before the clone of a URL is there. */
  #root: string | undefined;
  #locating: Promise<string> | undefined;
  #pulling: Promise<void> | undefined;
  #opening: Promise<SecretReader> | undefined;
  /** As it was opened last. */
  #opened: SecretReader | undefined;
  #isClosed = false;

  /** @throws VaultNotFoundError where `repoPath` holds no vault; VaultError `USAGE` for options of another type, or a URL of another kind */
  constructor(options: VaultOptions) {
    const { repoPath, keyPath, keyStr, autoPull = true } = typed(() => checkOptions(options));
    this.#url = typed(() => parseRepositoryUrl(repoPath));
    const said = new Set<string>();
    this.#context = processContext({
      ...(this.#url && { env: withAuthorization({ ...process.env }, this.#url) }),
      warn: (message) => {
        if (!said.has(message)) process.emitWarning(printable(message), "AgentVaultWarning");
        said.add(message);
      },
      recorder: isAuditOff(process.env) ? disabledRecorder : ledgerRecorder(),
    });
    this.#key = keyStr !== undefined ? { keyText: keyStr } : keyPath !== undefined ? { keyFile: resolvePath(this.#context, keyPath) } : {};
    this.#autoPull = autoPull;
    if (!this.#url) this.#root = typed(() => findVault(this.#context, resolvePath(this.#context, repoPath)));
  }

  /**
   * A secret's value as text. Calls that are made while another one pulls and verifies share that.
   * @param path `group/name`; a name alone lies in the group `default`
   * @throws SecretNotFoundError, NotAuthorizedError, VaultNotFoundError (no key), VerificationError, VaultError `INVALID_VALUE` where the value is not UTF-8
   */
  async get(path: string): Promise<string> {
    return asText(path, await this.getBytes(path));
  }

  /** A secret's value, exactly the bytes that were set. Throws as `get` does. */
  async getBytes(path: string): Promise<Uint8Array> {
    return typedAsync(async () => {
      requireText("The path of a secret", path);
      return (await this.#read([path]))[0]!;
    });
  }

  /**
   * Several values as text by their paths, all or none: of one state of the vault, with one pull and one verification. They go on
   * record as one use.
   * @throws as `get` does
   */
  async getMany<Path extends string>(paths: readonly Path[]): Promise<Record<Path, string>> {
    return typedAsync(async () => {
      requirePaths(paths);
      const values = await this.#read(paths);
      return Object.fromEntries(paths.map((path, index) => [path, asText(path, values[index]!)])) as Record<Path, string>;
    });
  }

  /**
   * Values as variables for a child process, as `getMany` reads them.
   * @param secrets secrets by the variables that are to hold them; or their paths, then `stripe/api-key` goes to `STRIPE_API_KEY`
   * @throws as `get` does; VaultError `INVALID_VARIABLE` where two secrets would go to one variable, `INVALID_VALUE` for a value with a
   *   zero byte, which no environment can hold
   */
  async env(secrets: readonly string[] | Readonly<Record<string, string>>): Promise<Record<string, string>> {
    return typedAsync(async () => {
      const variables = variablesOf(secrets);
      const values = await this.getMany(variables.map(([, path]) => path));
      return Object.fromEntries(variables.map(([name, path]) => [name, withoutZero(path, values[path]!)]));
    });
  }

  /**
   * The vault's secrets, sorted by name, without their values.
   * @param group only those that this group lists
   * @throws ManifestError, VerificationError; of a URL that was not cloned yet VaultNotFoundError
   */
  listSecrets(group?: string): SecretMetadata[] {
    return typed(() => {
      if (group !== undefined) requireText("A group", group);
      return wholeVault()
        .listSecrets(this.#state(), group)
        .map(({ secret, groups, agents, metadata }) => ({
          name: secret,
          group: metadata?.group ?? groups[0] ?? "default",
          createdAt: new Date(metadata?.created ?? 0),
          rotatedAt: new Date(metadata?.rotated ?? metadata?.created ?? 0),
          ...(metadata?.expires && { expiresAt: new Date(metadata.expires) }),
          authorizedAgents: [...agents],
        }));
    });
  }

  /** The vault's agents and their groups, in the manifest's order. Throws as `listSecrets` does. */
  listAgents(): AgentInfo[] {
    return typed(() =>
      wholeVault()
        .listAgents(this.#state())
        .map(({ agent, groups }) => ({ name: agent, groups: [...groups] })),
    );
  }

  /**
   * Fast-forwards the repository to its upstream now; that of a URL is cloned where it was not yet. Where that is impossible a warning is
   * emitted and the local state stays.
   */
  pull(): Promise<void> {
    this.#pulling = typedAsync(() => this.#pullNow());
    // A caller that does not wait gets the failure from its next `get`.
    this.#pulling.catch(() => {});
    return this.#pulling;
  }

  /** Reads the manifest again. Every method does so by itself; this one says early whether it can be read. Throws as `listSecrets` does. */
  reload(): void {
    typed(() => this.#state().manifest);
  }

  /**
   * Calls back whenever a secret is set anew, or the key at hand gains or loses it. It opens nothing: read the new value with `get`.
   * @returns once it is known how things stand now
   * @throws SecretNotFoundError, VaultNotFoundError, VerificationError, VaultError `USAGE`; what `signal` says where it is aborted
   */
  async watch(path: string, callback: (change: SecretChange) => unknown, options: WatchOptions = {}): Promise<Watch> {
    return typedAsync(async () => {
      requireText("The path of a secret", path);
      const root = await this.#locate();
      const watch = await startWatch({
        context: this.#context,
        root,
        path,
        key: this.#key,
        pull: this.#autoPull,
        callback,
        options,
        watches: this.#watches,
      });
      if (this.#isClosed) watch.close();
      return watch;
    });
  }

  /** Ends all watches, forgets the key and waits for what is under way. Every later call throws. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const watch of this.#watches) watch.close();
    this.#key = {};
    this.#opened = undefined;
    await Promise.allSettled([this.#locating, this.#pulling, this.#opening]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(paths: readonly string[]): Promise<Uint8Array[]> {
    this.#requireOpen();
    // A wrong name is an error of the caller's, whatever the vault is like.
    for (const path of paths) parseSecretPath(path);
    if (paths.length === 0) return [];
    await this.#pulling;
    this.#opening ??= this.#open(paths).finally(() => (this.#opening = undefined));
    const vault = await this.#opening;
    return (await vault.read(paths, { judge })).map(({ value }) => value);
  }

  async #open(paths: readonly string[]): Promise<SecretReader> {
    const [key, opened] = [this.#key, this.#opened];
    this.#opened = undefined;
    const vault = opened
      ? await opened.refresh(paths)
      : await SecretReader.open(this.#context, await this.#locate(), { key, pull: this.#autoPull }, paths);
    if (!this.#isClosed) this.#opened = vault;
    return vault;
  }

  async #pullNow(): Promise<void> {
    const root = await this.#locate();
    await pull(this.#context, root, { always: true, keys: findVaultKeys(this.#context, root, this.#key) });
  }

  async #locate(): Promise<string> {
    this.#requireOpen();
    if (this.#root !== undefined) return this.#root;
    const url = this.#url!;
    const key = this.#key;
    this.#locating ??= import("@agent-vault/vault")
      .then(({ cloneOf }) => cloneOf(this.#context, url, key))
      .finally(() => (this.#locating = undefined));
    return (this.#root = await this.#locating);
  }

  #state(): VaultState {
    this.#requireOpen();
    this.#root ??= wholeVault().existingCloneOf(this.#context, this.#url!);
    if (this.#root !== undefined) return wholeVault().openStateSync(this.#context, this.#root, this.#key);
    throw new VaultError("VAULT_NOT_FOUND", "The vault's repository was not cloned yet.", { remedy: "Await pull() or a get first." });
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new VaultError("USAGE", "This Vault was closed.", { remedy: "Make a new one." });
  }
}

function variablesOf(secrets: unknown): [variable: string, path: string][] {
  if (Array.isArray(secrets)) requirePaths(secrets);
  else if (typeof secrets !== "object" || secrets === null) requirePaths(secrets);
  else requirePaths(Object.values(secrets));
  if (!Array.isArray(secrets)) return Object.entries(secrets as Record<string, string>);
  const variables = new Map<string, string>();
  for (const path of secrets as readonly string[]) {
    const variable = variableName(parseSecretPath(path));
    const other = variables.get(variable);
    if (other !== undefined && parseSecretPath(other) !== parseSecretPath(path)) {
      throw new VaultError("INVALID_VARIABLE", `The variable ${variable} cannot hold both ${other} and ${path}.`, {
        remedy: `Name another for one of them: env({ VARIABLE: ${JSON.stringify(path)} }).`,
      });
    }
    variables.set(variable, path);
  }
  return [...variables];
}

function asText(path: string, value: Uint8Array): string {
  const text = decodeUtf8(value);
  if (text !== undefined) return text;
  throw typedError(new VaultError("INVALID_VALUE", `${path} is not UTF-8 text.`, { remedy: "Read it with getBytes." }));
}

function withoutZero(path: string, value: string): string {
  if (!value.includes("\0")) return value;
  throw new VaultError("INVALID_VALUE", `${path} holds a zero byte, which no variable can.`, { remedy: "Read it with getBytes." });
}

function typed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw typedError(error);
  }
}

async function typedAsync<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw typedError(error);
  }
}
