import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ledgerFolder, requirePrivateFolder, VaultError, type Context, type Identity, type Recipient } from "@agent-vault/vault/read-only";
import { AuditLog } from "./audit/log.js";
import { LedgerDatabase } from "./database/database.js";
import { IdentityKey } from "./key/identity-key.js";
import { PassphraseKey } from "./key/passphrase-key.js";
import { KEY_VARIABLE, noKey, type KeySource } from "./key/key-source.js";
import { revokeAll, type RevokedAll } from "./tokens/revoke-all.js";
import { LeaseStore } from "./tokens/lease-store.js";
import { MetadataIndex } from "./index/metadata-index.js";
import type { Requester } from "@agent-vault/vault/read-only";
import type { TakenIn } from "./spool/taken-in.js";
import { SCHEMA_VERSION } from "./database/schema.js";
import { SessionStore } from "./tokens/session-store.js";
import { readSettings, type LedgerSettings } from "./settings.js";
import { TokenStore } from "./tokens/token-store.js";

/** Which ledger to open, and with what. */
export interface LedgerOptions {
  readonly context: Context;
  /** The vault's id. */
  readonly vault: string;
  /** The identities that open it. Asked for only where its key is encrypted to identities. */
  readonly identities: () => Promise<readonly Identity[]>;
  /** Who can open a new one: the vault's owners, and the agents whose keys are on this machine. */
  readonly recipients: () => Promise<readonly Recipient[]>;
  /** Further identities of this machine, for a key that those above do not open; they can open it from then on. */
  readonly others?: () => readonly Identity[];
}

/** How a ledger is doing, for `doctor`. */
export interface LedgerHealth {
  readonly file: string;
  /** Of the database and its write-ahead log. */
  readonly bytes: number;
  readonly schema: number;
  readonly cipher: string;
  /** Where its key comes from, as messages name it. */
  readonly key: string;
  readonly machine: string;
  readonly auditRows: number;
  readonly indexedSecrets: number;
  /** Earlier databases of this vault that were set aside as damaged. */
  readonly setAside: readonly string[];
}

/**
 * One vault's local encrypted database: the audit log, the index of its metadata, and who may use what for how long. There is no
 * connection to close: every operation opens the database, uses it and closes it again, so any number of processes share it.
 */
export class Ledger {
  readonly audit: AuditLog;
  readonly index: MetadataIndex;
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
  readonly leases: LeaseStore;
  readonly #context: Context;
  readonly #vault: string;
  readonly #database: LedgerDatabase;
  readonly #key: KeySource;
  readonly #identities: LedgerOptions["identities"];

  private constructor({ context, vault, identities }: LedgerOptions, database: LedgerDatabase, key: KeySource) {
    this.audit = new AuditLog(context, database, vault);
    this.index = new MetadataIndex(context, database);
    this.tokens = new TokenStore(context, database, vault);
    this.sessions = new SessionStore(context, database, vault);
    this.leases = new LeaseStore(context, database, vault);
    this.#context = context;
    this.#vault = vault;
    this.#database = database;
    this.#key = key;
    this.#identities = identities;
  }

  /**
   * Gets the key of a vault's ledger, and makes one where there is none yet.
   * @throws VaultError `LEDGER_KEY`, `LEDGER_FOLDER`, `INVALID_CONFIG`, `PASSPHRASE_REQUIRED`, `WRONG_PASSPHRASE`, `UNWRITABLE`, `DISK_FULL`
   */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const { context, vault } = options;
    if (!/^[0-9A-Za-z-]{8,64}$/.test(vault)) {
      throw new VaultError("INVALID_CONFIG", "The vault has no id yet, so it cannot have an audit log.", {
        remedy: "Have an owner run agent-vault sign, which gives it one.",
      });
    }
    const settings = await readSettings(context);
    const folder = ledgerFolder(context);
    const path = join(folder, `${vault}.db`);
    const source = await keySource(options, settings, join(folder, `${vault}.key`));
    requirePrivateFolder(folder);
    const key = (await source.read()) ?? (await newKeyFor(path, source));
    return new Ledger(options, new LedgerDatabase(context, vault, { path, cipher: settings.cipher, key }), source);
  }

  /**
   * Asks a person now for what opens a vault's ledger, where {@link open} would ask.
   * @returns whether nothing is left to ask
   * @throws VaultError as `open`
   */
  static async unlock(options: LedgerOptions, mayAsk: boolean): Promise<boolean> {
    const { context, vault } = options;
    const source = await keySource(options, await readSettings(context), join(ledgerFolder(context), `${vault}.key`));
    return (await source.unlock?.(mayAsk)) ?? true;
  }

  /**
   * Lets agents that were made on this machine open the ledger. Other sources than identities need nothing.
   * @throws VaultError `LEDGER_KEY`, `MIXED_RECIPIENTS`, `UNWRITABLE`, `DISK_FULL`
   */
  async admit(recipients: readonly Recipient[]): Promise<void> {
    if (this.#key instanceof IdentityKey) await this.#key.add(recipients);
  }

  /** Ends all tokens, sessions and leases at once. @throws VaultError as every operation on the ledger: then nothing was revoked */
  revokeAll(requester: Requester): Promise<RevokedAll> {
    return revokeAll(this.#context, this.#database, this.#vault, requester);
  }

  /**
   * Takes rows that were recorded without the database into the audit log: those of this machine's spool, or the segments of others.
   * @param root the vault's folder
   * @param files absolute paths of the segments of others
   * @throws VaultError as every operation on the ledger, and as `collectSegments`
   */
  async takeIn(root: string, files?: readonly string[]): Promise<TakenIn> {
    const request = { context: this.#context, database: this.#database, root, vault: this.#vault, identities: await this.#identities() };
    // It verifies the vault, which a use that is recorded has no need of here.
    const { collectSegments, takeInSpool } = await import("./spool/take-in.js");
    return files ? collectSegments(request, files) : takeInSpool(request);
  }

  /** @throws VaultError as every operation on the ledger */
  async health(): Promise<LedgerHealth> {
    const { path, cipher } = this.#database.file;
    const { machine, rows } = await this.audit.head();
    const indexedSecrets = await this.index.size();
    const bytes = [path, `${path}-wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
    const setAside = readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.damaged-`) && !name.endsWith("-wal"));
    return { file: path, bytes, schema: SCHEMA_VERSION, cipher, key: this.#key.name, machine, auditRows: rows, indexedSecrets, setAside };
  }
}

async function keySource(
  { context, vault, identities, recipients, others = () => [] }: LedgerOptions,
  settings: LedgerSettings,
  file: string,
): Promise<KeySource> {
  const isGiven = Boolean(context.env[KEY_VARIABLE]);
  if (!isGiven && settings.key === "identity") return new IdentityKey(file, identities, recipients, others);
  if (!isGiven && settings.key === "passphrase") return new PassphraseKey(context, file);
  const { CommandKey, KeychainKey, VariableKey } = await import("./key/external-keys.js");
  if (isGiven) return new VariableKey(context);
  return settings.key === "keychain" ? new KeychainKey(vault) : new CommandKey(context, settings.keyCommand!);
}

/** A new key opens nothing that is there already. */
async function newKeyFor(path: string, source: KeySource): Promise<Uint8Array> {
  if (!existsSync(path)) return source.create();
  // Another process may just have made both.
  const key = await source.read();
  if (key) return key;
  const { code, message } = noKey(source.name);
  throw new VaultError(code, message, {
    remedy: `Restore the key that ${path} was made with, or move that file away to start a new audit log.`,
  });
}
