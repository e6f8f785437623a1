import process from "node:process";
import {
  findVault,
  isAuditOff,
  lazyRecorder,
  noRecord,
  keysAtHand,
  listAgents,
  listSecrets,
  openStateNow,
  printable,
  processContext,
  pull,
  readSecret,
  resolvePath,
  VaultError,
  VaultFiles,
  VaultTrust,
  type Context,
  type Judge,
  type KeyChoice,
  type Recorder,
  type VaultState,
} from "@agent-vault/vault";
import { typedError } from "./errors.js";

export interface VaultOptions {
  /** A folder in the git repository that holds the vault; `~` is the home folder. */
  readonly repoPath: string;
  /** The key file to read with; without it `AGENT_VAULT_KEY` and `~/.agent-vault/owner.key` are looked at. */
  readonly keyPath?: string;
  /** The key itself, `AGE-SECRET-KEY-1...`; it takes precedence over `keyPath` and is never written anywhere. */
  readonly keyStr?: string;
  /** Whether `get` fast-forwards the repository to its upstream first, at most once in the vault's `pull_interval`; `true` unless set. */
  readonly autoPull?: boolean;
}

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
 * fast-forward write. All methods throw `VaultError` or one of its subclasses, each with a `code`.
 */
export class Vault {
  readonly #context: Context;
  readonly #root: string;
  readonly #key: KeyChoice;
  readonly #autoPull: boolean;
  #pulling: Promise<void> | undefined;

  /** @throws VaultNotFoundError where `repoPath` holds no vault; VaultError `USAGE` for options of another type */
  constructor(options: VaultOptions) {
    const { repoPath, keyPath, keyStr, autoPull = true } = typed(() => checked(options));
    this.#context = processContext({
      warn: (message) => process.emitWarning(printable(message), "AgentVaultWarning"),
      recorder: isAuditOff(process.env) ? noRecord : lazyRecorder(loadRecorder),
    });
    this.#key = keyStr !== undefined ? { keyText: keyStr } : keyPath !== undefined ? { keyFile: resolvePath(this.#context, keyPath) } : {};
    this.#autoPull = autoPull;
    this.#root = typed(() => findVault(this.#context, resolvePath(this.#context, repoPath)));
  }

  /**
   * A secret's value as text.
   * @param path `group/name`; a name alone lies in the group `default`
   * @throws SecretNotFoundError, NotAuthorizedError, VaultNotFoundError (no key), VerificationError, VaultError `INVALID_VALUE` where the value is not UTF-8
   */
  async get(path: string): Promise<string> {
    const value = await this.getBytes(path);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    } catch {
      throw typedError(new VaultError("INVALID_VALUE", `${path} is not UTF-8 text.`, { remedy: "Read it with getBytes." }));
    }
  }

  /** A secret's value, exactly the bytes that were set. Throws as `get` does. */
  async getBytes(path: string): Promise<Uint8Array> {
    try {
      requireText("The path of a secret", path);
      await this.#pulling;
      return (await readSecret(this.#context, this.#root, path, { key: this.#key, pull: this.#autoPull, judge })).value;
    } catch (error) {
      throw typedError(error);
    }
  }

  /**
   * The vault's secrets, sorted by name, without their values.
   * @param group only those that this group lists
   * @throws ManifestError
   */
  listSecrets(group?: string): SecretMetadata[] {
    return typed(() => {
      if (group !== undefined) requireText("A group", group);
      return listSecrets(this.#state(), group).map(({ secret, groups, agents, metadata }) => ({
        name: secret,
        group: metadata?.group ?? groups[0] ?? "default",
        createdAt: new Date(metadata?.created ?? 0),
        rotatedAt: new Date(metadata?.rotated ?? metadata?.created ?? 0),
        ...(metadata?.expires && { expiresAt: new Date(metadata.expires) }),
        authorizedAgents: [...agents],
      }));
    });
  }

  /** The vault's agents and their groups, in the manifest's order. @throws ManifestError */
  listAgents(): AgentInfo[] {
    return typed(() => listAgents(this.#state()).map(({ agent, groups }) => ({ name: agent, groups: [...groups] })));
  }

  /** Fast-forwards the repository to its upstream now. Where that is impossible a warning is emitted and the local state stays. */
  pull(): Promise<void> {
    this.#pulling = this.#pullNow().then(
      () => {},
      (error: unknown) => {
        throw typedError(error);
      },
    );
    // A caller that does not wait gets the failure from its next `get`.
    this.#pulling.catch(() => {});
    return this.#pulling;
  }

  /** Reads the manifest again. Every method does so by itself; this one says early whether it can be read. @throws ManifestError */
  reload(): void {
    typed(() => this.#state().manifest);
  }

  async #pullNow(): Promise<void> {
    const keys = keysAtHand(this.#context, this.#key);
    await pull(this.#context, this.#root, { always: true, keys });
    // What cannot wait, such as a list, has no history at hand by which to follow a change of owners' keys; here there is.
    const trust = new VaultTrust({ ...this.#context, warn: () => {} }, this.#root, keys);
    (await trust.verify(new VaultFiles(this.#root)))?.remember();
  }

  #state(): VaultState {
    return openStateNow(this.#context, this.#root, this.#key);
  }
}

/** @throws VaultError `LEDGER_UNAVAILABLE` where the package of the ledger was left out */
const loadRecorder = (): Promise<Recorder> =>
  whereInstalled(
    async () => new (await import("@agent-vault/ledger")).LedgerRecorder("get"),
    "The use cannot be recorded",
    "@agent-vault/ledger",
  );

/** Decides where a policy or a token does. */
const judge: Judge = async (...read) => {
  const load = async () => (await import("@agent-vault/runner")).judgeRead;
  const judgeRead = await whereInstalled(load, "The vault's policy or the token cannot be heeded", "@agent-vault/runner");
  return judgeRead("read")(...read);
};

async function whereInstalled<T>(load: () => Promise<T>, what: string, name: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND")) throw cause;
    throw new VaultError("LEDGER_UNAVAILABLE", `${what}: the package ${name} is not installed.`, {
      remedy: "Install it beside agent-vault; to go without a record, set AGENT_VAULT_AUDIT=off.",
      cause,
    });
  }
}

function typed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw typedError(error);
  }
}

/** The options as they are promised; a program without types may give anything. @throws VaultError `USAGE` */
function checked(options: unknown): VaultOptions {
  const given = (typeof options === "object" && options !== null ? options : {}) as Readonly<Record<string, unknown>>;
  requireText("repoPath", given["repoPath"]);
  for (const name of ["keyPath", "keyStr"]) if (given[name] !== undefined) requireText(name, given[name]);
  return given as unknown as VaultOptions;
}

function requireText(what: string, value: unknown): asserts value is string {
  if (typeof value === "string" && value !== "") return;
  throw new VaultError("USAGE", `${what} must be a string that is not empty.`, {
    remedy: 'For example new Vault({ repoPath: "." }).get("group/name").',
  });
}
