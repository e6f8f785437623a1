import { chmodSync, existsSync, renameSync, statSync } from "node:fs";
import { createHmac } from "node:crypto";
import { basename, dirname } from "node:path";
import process from "node:process";
import { VaultError, type Context } from "@agent-vault/vault/read-only";
import { append, headOf, machineOf } from "../audit/row.js";
import { Connection, loadEngine, type DatabaseFile } from "./connection.js";
import { busy, damaged, engineError, kindOf, wrongKey } from "./engine-errors.js";
import { DatabaseSidecar, type SidecarContent } from "./database-sidecar.js";
import { requireLedgerFolder } from "../ledger-folder.js";
import { migrate, SCHEMA_VERSION, schemaVersion } from "./schema.js";

/** How long an operation waits for other processes, in milliseconds. */
const PATIENCE = 20_000;
/** The engine copies the whole of a longer write-ahead log with each commit, in bytes. */
const MAX_WAL = 2 ** 20;
/** How often files that are not as they were left are looked at again: their marks may just be written. */
const SECOND_LOOKS = 3;

/**
 * A database that many processes share without a daemon: it is opened, used and closed for each operation, with the engine's
 * exclusive lock as the mutex. Within this process operations go one after the other.
 */
export class LedgerDatabase {
  readonly file: DatabaseFile;
  readonly #context: Context;
  readonly #vault: string;
  readonly #marks: DatabaseSidecar;
  readonly #keyCheck: string;

  /** @param vault the vault's id */
  constructor(context: Context, vault: string, file: DatabaseFile) {
    this.#context = context;
    this.#vault = vault;
    this.file = file;
    this.#marks = new DatabaseSidecar(file.path);
    this.#keyCheck = createHmac("sha256", file.key).update(`agent-vault ledger ${file.cipher}`).digest("hex").slice(0, 32);
  }

  /**
   * Reads from one state of the database.
   * @throws VaultError `BUSY`, `LEDGER_KEY`, `LEDGER_NEWER`, `LEDGER_DAMAGED`, `LEDGER_FOLDER`, `LEDGER_UNAVAILABLE`, `UNWRITABLE`, `DISK_FULL`
   */
  read<T>(work: (connection: Connection) => T | Promise<T>): Promise<T> {
    return this.#use(false, work);
  }

  /** Runs `work` as one transaction, which is on the disk when this returns. @throws VaultError as {@link read} */
  write<T>(work: (connection: Connection) => T | Promise<T>): Promise<T> {
    return this.#use(true, work);
  }

  async #use<T>(writes: boolean, work: (connection: Connection) => T | Promise<T>): Promise<T> {
    const engine = await loadEngine();
    return inTurn(this.file.path, async () => {
      requireLedgerFolder(dirname(this.file.path));
      const deadline = performance.now() + PATIENCE;
      let isSuspect = false;
      let attempts = 0;
      for (;;) {
        await this.#requireSound(deadline, isSuspect);
        let connection: Connection | undefined;
        try {
          connection = new Connection(engine, this.file);
          return await this.#session(connection, writes, work);
        } catch (error) {
          const kind = kindOf(error);
          if (kind === "suspicious" && isSuspect) throw damaged(this.file.path, error);
          if (kind !== "locked" && kind !== "suspicious") throw engineError(error, this.file.path);
          isSuspect = kind === "suspicious";
        } finally {
          connection?.close();
        }
        if (performance.now() > deadline) throw busy(this.file.path);
        await this.#pause(attempts++);
      }
    });
  }

  /** One use of the open database. What it leaves is marked before the lock goes. */
  async #session<T>(connection: Connection, writes: boolean, work: (connection: Connection) => T | Promise<T>): Promise<T> {
    const version = schemaVersion(connection);
    if (version > SCHEMA_VERSION) throw this.#newer();
    const isBegun = version === SCHEMA_VERSION && connection.get("SELECT 1 FROM setting WHERE name = 'machine'") !== undefined;
    if (isBegun && !writes) return work(connection);

    const before = this.#marks.read();
    this.#marks.write(this.#marksOf({ ...before, doing: "writing" }));
    if (version < SCHEMA_VERSION) {
      migrate(connection);
      this.#closeToOthers();
    }
    if (!isBegun) this.#begin(connection, before);
    // The engine does not sync the first commit of a connection to the disk.
    connection.run("UPDATE setting SET value = value + 1 WHERE name = 'writes'");
    connection.exec("BEGIN IMMEDIATE");
    let result: T;
    try {
      result = await work(connection);
    } catch (error) {
      this.#undo(connection, kindOf(error) !== "suspicious");
      throw error;
    }
    connection.exec("COMMIT");
    if (walSize(this.file.path) > MAX_WAL) checkpoint(connection);
    this.#leave(connection);
    return result;
  }

  /** The first rows of a new database, which goes on under the machine's name where it takes the place of one that was lost. */
  #begin(connection: Connection, marks: SidecarContent | undefined): void {
    // A database of an older version has begun long ago.
    if (connection.get("SELECT 1 FROM setting WHERE name = 'machine'")) return;
    connection.exec("BEGIN IMMEDIATE");
    const name = marks?.machine || `m${Buffer.from(this.#context.random(8)).toString("hex")}`;
    connection.run("INSERT INTO setting VALUES ('machine', ?)", name);
    const reason = marks?.replaces;
    if (reason) append(connection, this.#vault, this.#context.now(), { action: "ledger", outcome: "done", reason });
    connection.exec("COMMIT");
  }

  /** What cannot be undone here is undone by the next one that opens the database, and looked at before. */
  #undo(connection: Connection, isSound: boolean): void {
    try {
      connection.exec("ROLLBACK");
      if (isSound) this.#leave(connection);
    } catch {
      // The error that led here says more.
    }
  }

  #leave(connection: Connection): void {
    this.#marks.write(
      this.#marksOf({ ...this.#marks.stamps(), ...headOf(connection, this.#vault), machine: machineOf(connection), doing: "nothing" }),
    );
  }

  #marksOf(marks: Partial<SidecarContent>): SidecarContent {
    const none: Omit<SidecarContent, "pid" | "keyCheck"> = {
      doing: "nothing",
      database: "-",
      wal: "-",
      rows: 0,
      head: "",
      machine: "",
      replaces: "",
    };
    return { ...none, ...marks, pid: process.pid, keyCheck: this.#keyCheck };
  }

  /**
   * Returns once the files can be opened here without harm.
   * @param isSuspect whether the engine has stumbled over them
   */
  async #requireSound(deadline: number, isSuspect: boolean): Promise<void> {
    for (let looks = 0; ; looks++) {
      const marks = this.#marks.read();
      const judgement = this.#marks.judge(marks);
      if (judgement === "new") return;
      if (marks?.keyCheck && marks.keyCheck !== this.#keyCheck) throw wrongKey(this.file.path);
      if (judgement === "sound" && !isSuspect) return;
      if (performance.now() > deadline) throw busy(this.file.path);
      if (judgement === "being checked" || (judgement === "changed" && looks < SECOND_LOOKS)) await this.#pause(looks);
      else {
        await this.#inspect(marks, isSuspect);
        isSuspect = false;
      }
    }
  }

  /**
   * Has the files looked at in another process, and sets them aside where they are not sound.
   * @param isSuspect whether the engine has stumbled over them
   */
  async #inspect(marks: SidecarContent | undefined, isSuspect: boolean): Promise<void> {
    const claim = this.#marksOf({ ...marks, doing: "checking" });
    // Whether this is the right key is not known where no marks say so.
    this.#marks.write({ ...claim, keyCheck: marks?.keyCheck ?? "" });
    const stamps = this.#marks.stamps();
    // Rare, and it loads what starts processes, which no use should wait for.
    const { inspect } = await import("./inspection.js");
    const finding = await inspect(this.file, this.#vault, claim, isSuspect);
    switch (finding.verdict) {
      case "sound":
        return;
      case "locked":
        throw busy(this.file.path);
      case "newer":
        throw this.#newer();
      case "key":
        // Where the marks know the key, it is the file that is wrong.
        if (!marks?.keyCheck) throw wrongKey(this.file.path);
        return this.#setAside(stamps, "its first page was damaged");
      case "unsound":
        return this.#setAside(stamps, finding.detail);
      case "failed":
        throw engineError(Object.assign(new Error(finding.detail), { code: "GenericFailure" }), this.file.path);
    }
  }

  /** Moves the files to where they can be inspected, and has the first row of the new log say so. */
  #setAside(inspected: Pick<SidecarContent, "database" | "wal">, why: string): void {
    const { database, wal } = this.#marks.stamps();
    // Another process may have set them aside meanwhile, and begun a new database.
    if (database !== inspected.database || wal !== inspected.wal) return;
    const { path } = this.file;
    const aside = `${path}.damaged-${this.#context.now().toISOString().replace(/[:.]/g, "")}`;
    for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    const kept = existsSync(aside) || existsSync(`${aside}-wal`) ? ` What was left of it is kept as ${basename(aside)}.` : "";
    const replaces = `A new log, as the one before could not be used any more: ${why}.${kept}`;
    // In the marks, as another process may be the one that begins it.
    this.#marks.write(this.#marksOf({ machine: this.#marks.read()?.machine ?? "", replaces }));
    this.#context.warn(`The audit log ${path} could not be used any more: ${why}. A new one was begun.${kept}`);
  }

  #closeToOthers(): void {
    if (process.platform === "win32") return;
    for (const suffix of ["", "-wal"]) if (existsSync(this.file.path + suffix)) chmodSync(this.file.path + suffix, 0o600);
  }

  #newer(): VaultError {
    return new VaultError("LEDGER_NEWER", `${this.file.path} was written by a newer agent-vault.`, {
      remedy: "Use that version, or a newer one (agent-vault --version).",
    });
  }

  #pause(attempt: number): Promise<void> {
    const time = 1 + ((this.#context.random(1)[0]! + 1) / 256) * Math.min(2 ** attempt, 32);
    return new Promise((resume) => void setTimeout(resume, time));
  }
}

function walSize(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** The commit stands without it, and the next one tries again. */
function checkpoint(connection: Connection): void {
  try {
    connection.all("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (kindOf(error) !== "full") throw error;
  }
}

const turns = new Map<string, Promise<unknown>>();

/** The engine would let two operations of one process into the same file at once, and into each other's transactions. */
async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = turns.get(path);
  const turn = (async () => {
    await before?.catch(() => {});
    return work();
  })();
  turns.set(path, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(path) === turn) turns.delete(path);
  }
}
