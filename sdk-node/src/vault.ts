import {
  findVaultKeys,
  parseRepositoryUrl,
  parseSecretPath,
  fetchStates,
  resolvePath,
  SecretReader,
  VaultError,
  type Context,
  type KeyChoice,
} from "@agent-vault/vault/read-only";
import type { VaultState } from "@agent-vault/vault";
import { typed, typedAsync } from "./errors.js";
import { agentsOf, secretsOf } from "./listing.js";
import type { AgentInfo, SecretMetadata } from "./metadata.js";
import { judge } from "./optional-packages.js";
import { programContext, warnProgram } from "./program-context.js";
import { checkOptions, requirePaths, requireText, type VaultOptions } from "./options.js";
import { asText, variablesOf, withoutZero } from "./values.js";
import { VaultFolder } from "./vault-folder.js";
import { startWatch } from "./start-watch.js";
import type { SecretChange, Watch, WatchOptions } from "./watch.js";
import { wholeVault } from "./whole-vault.js";

/**
 * Reads the secrets that a key was granted. It changes nothing in the vault; the one thing that it may write is what `git fetch`
 * writes, and the clone of a URL. All methods throw `VaultError` or one of its subclasses, each with a `code`.
 */
export class Vault {
  readonly #context: Context;
  readonly #autoPull: boolean;
  readonly #folder: VaultFolder;
  readonly #watches = new Set<Watch>();
  #key: KeyChoice;
  #pulling: Promise<void> | undefined;
  #opening: Promise<SecretReader> | undefined;
  /** As it was opened last. */
  #opened: SecretReader | undefined;
  #isClosed = false;

  /**
   * @throws VaultNotFoundError where `repoPath` holds no vault, or there is no key at all; VaultError `USAGE` for an option that does not exist
   *   or is of another type, and a URL of another kind
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * console.log((await vault.get("stripe/api-key")).length); // 13
   * ```
   */
  constructor(options: VaultOptions) {
    const { repoPath, keyPath, keyStr, passphraseFd, autoPull = true } = typed(() => checkOptions(options));
    const url = typed(() => parseRepositoryUrl(repoPath));
    this.#context = typed(() => programContext(url, passphraseFd));
    this.#key = keyStr !== undefined ? { keyText: keyStr } : keyPath !== undefined ? { keyFile: resolvePath(this.#context, keyPath) } : {};
    this.#autoPull = autoPull;
    this.#folder = typed(() => new VaultFolder(this.#context, url ?? resolvePath(this.#context, repoPath)));
    typed(() => this.#folder.requireKey(this.#key));
  }

  /**
   * A secret's value as text. Calls that are made while another one pulls and verifies share that.
   * @param path `group/name`; a name alone lies in the group `default`
   * @throws SecretNotFoundError, NotAuthorizedError, VaultNotFoundError (no key), VerificationError, VaultError `INVALID_VALUE` where the value is not UTF-8
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * const key = await vault.get("stripe/api-key");
   * console.log(key.length); // 13
   * ```
   */
  async get(path: string): Promise<string> {
    return asText(path, await this.getBytes(path));
  }

  /**
   * A secret's value, exactly the bytes that were set. Throws as `get` does.
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * const bytes = await vault.getBytes("stripe/api-key");
   * console.log(bytes.byteLength); // 13
   * ```
   */
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
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * const values = await vault.getMany(["stripe/api-key", "db/url"]);
   * console.log(Object.keys(values).join(" ")); // stripe/api-key db/url
   * ```
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
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * const variables = await vault.env(["stripe/api-key", "db/url"]);
   * console.log(Object.keys(variables).join(" ")); // STRIPE_API_KEY DB_URL
   * ```
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
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * console.log(vault.listSecrets("stripe")[0].authorizedAgents.join(" ")); // billing-agent
   * ```
   */
  listSecrets(group?: string): SecretMetadata[] {
    return typed(() => {
      if (group !== undefined) requireText("A group", group);
      return secretsOf(this.#state(), group);
    });
  }

  /**
   * The vault's agents and their groups, in the manifest's order. Throws as `listSecrets` does.
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * console.log(vault.listAgents()[0].groups.join(" ")); // stripe db
   * ```
   */
  listAgents(): AgentInfo[] {
    return typed(() => agentsOf(this.#state()));
  }

  /**
   * Asks the remote for the newest state now; no branch and no file moves. The repository of a URL is cloned where it was not yet. Where that
   * is impossible a warning is emitted, and the state that is here is read.
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * await vault.pull();
   * console.log(vault.listSecrets().length); // 3
   * ```
   */
  pull(): Promise<void> {
    this.#pulling = typedAsync(() => this.#pullNow());
    // A caller that does not wait gets the failure from its next `get`.
    this.#pulling.catch(() => {});
    return this.#pulling;
  }

  /**
   * Reads the manifest again. Every method does so by itself; this one says early whether it can be read. Throws as `listSecrets` does.
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * vault.reload();
   * console.log("The manifest can be read."); // The manifest can be read.
   * ```
   */
  reload(): void {
    typed(() => this.#state().manifest);
  }

  /**
   * Calls back whenever a secret gets a new value, or the key gains or loses it. It opens nothing: read the new value with `get`.
   * @returns once it is known how things stand now
   * @throws SecretNotFoundError, VaultNotFoundError, VerificationError, VaultError `USAGE`; what `signal` says where it is aborted
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * const watch = await vault.watch("stripe/api-key", ({ kind }) => console.error(kind), { interval: 5000 });
   * watch.close();
   * ```
   */
  async watch(path: string, callback: (change: SecretChange) => unknown, options: WatchOptions = {}): Promise<Watch> {
    return typedAsync(async () => {
      requireText("The path of a secret", path);
      const watch = await this.#use((root) =>
        startWatch({
          context: this.#context,
          root,
          path,
          key: this.#key,
          pull: this.#autoPull,
          callback,
          options,
          watches: this.#watches,
        }),
      );
      if (this.#isClosed) watch.close();
      return watch;
    });
  }

  /**
   * Ends all watches, forgets the key and waits for what is under way. Every later call throws.
   * @example
   * ```js
   * import { Vault } from "agent-vault";
   * const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
   * await vault.close();
   * await vault.get("stripe/api-key").catch((error) => console.log(error.code)); // USAGE
   * ```
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const watch of this.#watches) watch.close();
    this.#key = {};
    this.#context.keyMemory?.clear();
    this.#opened = undefined;
    await Promise.allSettled([this.#folder.settled(), this.#pulling, this.#opening]);
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
    return this.#use(async (root) => {
      this.#opening ??= this.#open(root, paths).finally(() => (this.#opening = undefined));
      const vault = await this.#opening;
      return (await vault.read(paths, { judge })).map(({ value }) => value);
    });
  }

  async #open(root: string, paths: readonly string[]): Promise<SecretReader> {
    const [key, opened] = [this.#key, this.#opened];
    this.#opened = undefined;
    const vault = opened ? await opened.refresh(paths) : await SecretReader.open(this.#context, root, { key, pull: this.#autoPull }, paths);
    if (!this.#isClosed) this.#opened = vault;
    return vault;
  }

  async #pullNow(): Promise<void> {
    // A pull that was asked for says so each time that it fails.
    const context = { ...this.#context, warn: warnProgram };
    await this.#use((root) => fetchStates(context, root, { always: true, keys: findVaultKeys(this.#context, root, this.#key) }));
  }

  async #use<T>(use: (root: string) => Promise<T>): Promise<T> {
    this.#requireOpen();
    return this.#folder.use(this.#key, use, () => (this.#opened = undefined));
  }

  #state(): VaultState {
    this.#requireOpen();
    return this.#folder.useExisting((root) => wholeVault().openStateSync(this.#context, root, this.#key));
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new VaultError("USAGE", "This Vault was closed.", { remedy: "Make a new one." });
  }
}
