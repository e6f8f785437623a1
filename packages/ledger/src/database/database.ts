import { chmodSync, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { oneAtATime, requirePrivateFolder, type Context } from "@agent-vault/vault/read-only";
import { append } from "./audit-row.js";
import { backOff } from "./back-off.js";
import { Connection, loadEngine, type DatabaseFile } from "./connection.js";
import { DatabaseFiles } from "./database-files.js";
import type { SidecarContent } from "./database-sidecar.js";
import { busy, damaged, engineError, newerSchema, kindOfEngineError } from "./engine-errors.js";
import { migrate, SCHEMA_VERSION, schemaVersion } from "./schema.js";

/** How long an operation waits for other processes. */
const LOCK_TIMEOUT_MS = 20_000;
/** The engine copies the whole of a longer write-ahead log with each commit. */
const MAX_WAL_BYTES = 2 ** 20;

type Work<T> = (connection: Connection) => T | Promise<T>;

/**
 * A database that many processes share without a daemon: it is opened, used and closed for each operation, with the engine's
 * exclusive lock as the mutex. Within this process operations go one after the other: the engine would let two of them into the same
 * file at once, and into each other's transactions.
 */
export class LedgerDatabase {
  readonly file: DatabaseFile;
  readonly #context: Context;
  readonly #vault: string;
  readonly #files: DatabaseFiles;

  /** @param vault the vault's id */
  constructor(context: Context, vault: string, file: DatabaseFile) {
    this.#context = context;
    this.#vault = vault;
    this.file = file;
    this.#files = new DatabaseFiles(context, vault, file);
  }

  /**
   * Reads from one state of the database.
   * @throws VaultError `BUSY`, `LEDGER_KEY`, `LEDGER_NEWER`, `LEDGER_DAMAGED`, `LEDGER_FOLDER`, `LEDGER_UNAVAILABLE`, `UNWRITABLE`, `DISK_FULL`
   */
  read<T>(work: Work<T>): Promise<T> {
    return this.#use((connection) => this.#read(connection, work));
  }

  /** Runs `work` as one transaction, which is on the disk when this returns. @throws VaultError as {@link read} */
  write<T>(work: Work<T>): Promise<T> {
    return this.#use((connection) => this.#write(connection, work));
  }

  /** Opens the database, uses it and closes it, and tries again while another process has it. */
  async #use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const engine = await loadEngine();
    return oneAtATime(this.file.path, async () => {
      requirePrivateFolder(dirname(this.file.path));
      const deadline = performance.now() + LOCK_TIMEOUT_MS;
      let isSuspect = false;
      for (let attempt = 0; ; attempt++) {
        await this.#files.requireSound(deadline, isSuspect);
        let connection: Connection | undefined;
        try {
          connection = new Connection(engine, this.file);
          return await work(connection);
        } catch (error) {
          const kind = kindOfEngineError(error);
          if (kind === "suspicious" && isSuspect) throw damaged(this.file.path, error);
          if (kind !== "locked" && kind !== "suspicious") throw engineError(error, this.file.path);
          isSuspect = kind === "suspicious";
        } finally {
          connection?.close();
        }
        if (performance.now() > deadline) throw busy(this.file.path);
        await backOff(this.#context, attempt);
      }
    });
  }

  async #read<T>(connection: Connection, work: Work<T>): Promise<T> {
    return this.#isBegun(connection) ? work(connection) : this.#write(connection, work);
  }

  /** How the files are left is written down before the lock goes. */
  async #write<T>(connection: Connection, work: Work<T>): Promise<T> {
    const isBegun = this.#isBegun(connection);
    const left = this.#files.beginWriting();
    if (!isBegun) this.#begin(connection, left);
    // The engine does not sync the first commit of a connection to the disk.
    connection.run("UPDATE setting SET value = value + 1 WHERE name = 'writes'");
    const result = await this.#transaction(connection, work);
    if (walSize(this.file.path) > MAX_WAL_BYTES) checkpoint(connection);
    this.#files.endWriting(connection);
    return result;
  }

  /** @throws VaultError `LEDGER_NEWER` */
  #isBegun(connection: Connection): boolean {
    const version = schemaVersion(connection);
    if (version > SCHEMA_VERSION) throw newerSchema(this.file.path);
    return version === SCHEMA_VERSION && hasMachine(connection);
  }

  /** The tables and first rows of a new database, which goes on under the machine's name where it replaces one that was lost. */
  #begin(connection: Connection, left: SidecarContent | undefined): void {
    if (schemaVersion(connection) < SCHEMA_VERSION) {
      migrate(connection);
      this.#closeToOthers();
    }
    // A database of an older version has begun long ago.
    if (hasMachine(connection)) return;
    connection.exec("BEGIN IMMEDIATE");
    const name = left?.machine || `m${Buffer.from(this.#context.random(8)).toString("hex")}`;
    connection.run("INSERT INTO setting VALUES ('machine', ?)", name);
    const reason = left?.replaces;
    if (reason) append(connection, this.#vault, this.#context.now(), { action: "ledger", outcome: "done", reason });
    connection.exec("COMMIT");
  }

  async #transaction<T>(connection: Connection, work: Work<T>): Promise<T> {
    connection.exec("BEGIN IMMEDIATE");
    let result: T;
    try {
      result = await work(connection);
    } catch (error) {
      this.#rollBack(connection, kindOfEngineError(error) !== "suspicious");
      throw error;
    }
    connection.exec("COMMIT");
    return result;
  }

  /** What cannot be undone here is undone by the next process that opens the database, which inspects it first. */
  #rollBack(connection: Connection, isSound: boolean): void {
    try {
      connection.exec("ROLLBACK");
      if (isSound) this.#files.endWriting(connection);
    } catch {
      // The error that led here says more.
    }
  }

  #closeToOthers(): void {
    if (process.platform === "win32") return;
    for (const suffix of ["", "-wal"]) if (existsSync(this.file.path + suffix)) chmodSync(this.file.path + suffix, 0o600);
  }
}

/** Whether its first rows were written. */
function hasMachine(connection: Connection): boolean {
  return connection.get("SELECT 1 FROM setting WHERE name = 'machine'") !== undefined;
}

function walSize(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** The commit is safe without it, and the next one tries again. */
function checkpoint(connection: Connection): void {
  try {
    connection.all("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (kindOfEngineError(error) !== "full") throw error;
  }
}
