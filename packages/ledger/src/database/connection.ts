import { isMainThread } from "node:worker_threads";
import type * as Engine from "@tursodatabase/database/compat";
import { VaultError } from "@agent-vault/vault/read-only";

type EngineDatabase = Engine.Database;
type Statement = ReturnType<EngineDatabase["prepare"]>;
/** A value of a column. */
export type Value = string | number | null;
/** A row, by its columns. */
export type Row = Record<string, Value>;

/** Page ciphers with keys of 32 bytes. */
export const CIPHERS = ["aegis256", "aes256gcm"] as const;
/** The name of a page cipher, as the engine has it. */
export type Cipher = (typeof CIPHERS)[number];

/** Where a database is, and what opens it. */
export interface DatabaseFile {
  /** Absolute path; the write-ahead log lies beside it as PATH-wal. */
  readonly path: string;
  readonly cipher: Cipher;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** The engine's own limit for one statement; 0 is none. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * The native engine.
 * @throws VaultError `LEDGER_UNAVAILABLE` where it cannot be loaded, as with another C library than glibc; and in a worker thread, as its lock
 *   keeps out other processes and not other threads, which may have another copy of it
 */
export async function loadEngine(): Promise<typeof Engine> {
  if (!isMainThread) {
    throw new VaultError("LEDGER_UNAVAILABLE", "The database of the audit log is not opened in a worker thread.", {
      remedy: "Read in the main thread, and hand the value to the worker. What needs no database goes on record in a spool here.",
    });
  }
  try {
    return await import("@tursodatabase/database/compat");
  } catch (cause) {
    throw new VaultError("LEDGER_UNAVAILABLE", "The database engine of the audit log could not be loaded on this machine.", {
      remedy:
        "It runs on Linux with glibc, macOS on ARM and Windows on x64: install again there (npm ci). Elsewhere uses go on record in a spool (AGENT_VAULT_AUDIT=spool).",
      cause,
    });
  }
}

/** Whether there is an engine for this machine and thread. */
export async function hasEngine(): Promise<boolean> {
  try {
    await loadEngine();
    return true;
  } catch (error) {
    if (error instanceof VaultError && error.code === "LEDGER_UNAVAILABLE") return false;
    throw error;
  }
}

/** The version of the engine, once it was found to load. @throws VaultError `LEDGER_UNAVAILABLE` */
export async function engineVersion(): Promise<string> {
  const { Database } = await loadEngine();
  const database = new Database(":memory:");
  try {
    return Object.values(database.prepare("SELECT turso_version() AS version").get() as Row).join("");
  } finally {
    database.close();
  }
}

/**
 * An open database, with the engine's exclusive lock on its file. Everything runs at once, on this thread. While it is open, nothing
 * in this process may open the same files in another way: closing such a descriptor would drop the lock.
 */
export class Connection {
  readonly #database: EngineDatabase;
  readonly #statements = new Map<string, Statement>();

  /** @throws what the engine throws; see `engine-errors.ts` */
  constructor(engine: typeof Engine, { path, cipher, key }: DatabaseFile, statementTimeoutMs = STATEMENT_TIMEOUT_MS) {
    // The engine's own waiting for a lock spins a core and blocks the event loop, so it does not wait.
    this.#database = new engine.Database(path, {
      encryption: { cipher, hexkey: Buffer.from(key).toString("hex") },
      timeout: 0,
      defaultQueryTimeout: statementTimeoutMs,
    });
    // A large sort would otherwise spill plaintext to the temporary folder.
    this.exec("PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON");
  }

  /** Runs statements without values. */
  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** @returns how many rows it changed */
  run(sql: string, ...values: readonly Value[]): number {
    return this.#prepare(sql).run([...values]).changes;
  }

  /** Inserts a row; a column that is `undefined` is empty. */
  insert(table: string, row: Readonly<Record<string, Value | undefined>>): void {
    const columns = Object.keys(row);
    const sql = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
    // The engine would store `undefined` as that word.
    this.run(sql, ...Object.values(row).map((value) => value ?? null));
  }

  get(sql: string, ...values: readonly Value[]): Row | undefined {
    return this.#prepare(sql).get([...values]) as Row | undefined;
  }

  all(sql: string, ...values: readonly Value[]): Row[] {
    return this.#prepare(sql).all([...values]) as Row[];
  }

  close(): void {
    // A statement that lives on would keep the file and its lock.
    for (const statement of this.#statements.values()) statement.close();
    this.#database.close();
  }

  #prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }
}
