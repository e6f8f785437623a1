import { existsSync, renameSync } from "node:fs";
import { createHmac } from "node:crypto";
import { basename } from "node:path";
import process from "node:process";
import type { Context } from "@agent-vault/vault/read-only";
import { headOf, machineOf } from "./audit-row.js";
import { backOff } from "./back-off.js";
import type { Connection, DatabaseFile } from "./connection.js";
import { DatabaseSidecar, type SidecarContent } from "./database-sidecar.js";
import { busy, engineError, newerSchema, wrongKey } from "./engine-errors.js";

/** How often files that changed are looked at again before they are inspected: their sidecar may be about to be written. */
const MAX_SECOND_LOOKS = 3;

/**
 * The files of a database as they were left. Those that are not as they were left are inspected in another process before this one
 * opens them, and set aside where they are damaged.
 */
export class DatabaseFiles {
  readonly #context: Context;
  readonly #vault: string;
  readonly #file: DatabaseFile;
  readonly #sidecar: DatabaseSidecar;
  readonly #keyCheck: string;

  /** @param vault the vault's id */
  constructor(context: Context, vault: string, file: DatabaseFile) {
    this.#context = context;
    this.#vault = vault;
    this.#file = file;
    this.#sidecar = new DatabaseSidecar(file.path);
    this.#keyCheck = createHmac("sha256", file.key).update(`agent-vault ledger ${file.cipher}`).digest("hex").slice(0, 32);
  }

  /**
   * Returns once the files can be opened here without harm.
   * @param deadline as `performance.now()` has it
   * @param isSuspect whether the engine has stumbled over them
   * @throws VaultError `BUSY`, `LEDGER_KEY`, `LEDGER_NEWER`, and what the engine's errors mean
   */
  async requireSound(deadline: number, isSuspect: boolean): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const left = this.#sidecar.read();
      const condition = this.#sidecar.conditionOf(left);
      if (condition === "new") return;
      if (left?.keyCheck && left.keyCheck !== this.#keyCheck) throw wrongKey(this.#file.path);
      if (condition === "sound" && !isSuspect) return;
      if (performance.now() > deadline) throw busy(this.#file.path);
      if (condition === "being checked" || (condition === "changed" && attempt < MAX_SECOND_LOOKS)) await backOff(this.#context, attempt);
      else {
        await this.#inspect(left, isSuspect);
        isSuspect = false;
      }
    }
  }

  /** Says that this process writes from now on. @returns how the files were left before */
  beginWriting(): SidecarContent | undefined {
    const before = this.#sidecar.read();
    this.#sidecar.write(this.#content({ ...before, activity: "writing" }));
    return before;
  }

  /** Says that the files are left as they are now. Called while the connection still holds the lock. */
  endWriting(connection: Connection): void {
    const { rows, head } = headOf(connection, this.#vault);
    this.#sidecar.write(this.#content({ ...this.#sidecar.stamps(), rows, head, machine: machineOf(connection) }));
  }

  /** Has the files inspected in another process, and sets them aside where they are not sound. */
  async #inspect(left: SidecarContent | undefined, isSuspect: boolean): Promise<void> {
    const claim = this.#content({ ...left, activity: "checking" });
    // Whether this is the right key is not known where no sidecar says so.
    this.#sidecar.write({ ...claim, keyCheck: left?.keyCheck ?? "" });
    const stamps = this.#sidecar.stamps();
    // Rare, and it loads what starts processes, which no use should wait for.
    const { inspect } = await import("./inspection.js");
    const result = await inspect({ file: this.#file, vault: this.#vault, left: claim, thorough: isSuspect });
    switch (result.verdict) {
      case "sound":
        return;
      case "locked":
        throw busy(this.#file.path);
      case "newer":
        throw newerSchema(this.#file.path);
      case "key":
        // Where the sidecar knows the key, it is the file that is wrong.
        if (!left?.keyCheck) throw wrongKey(this.#file.path);
        return this.#setAside(stamps, "its first page was damaged");
      case "unsound":
        return this.#setAside(stamps, result.detail);
      case "failed":
        throw engineError(Object.assign(new Error(result.detail), { code: "GenericFailure" }), this.#file.path);
    }
  }

  /** Moves the files to where they can be looked at, and has the first row of the new log say so. */
  #setAside(inspected: Pick<SidecarContent, "database" | "wal">, why: string): void {
    const { database, wal } = this.#sidecar.stamps();
    // Another process may have set them aside meanwhile, and begun a new database.
    if (database !== inspected.database || wal !== inspected.wal) return;
    const { path } = this.#file;
    const aside = `${path}.damaged-${this.#context.now().toISOString().replace(/[:.]/g, "")}`;
    for (const suffix of ["", "-wal"]) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    const kept = existsSync(aside) || existsSync(`${aside}-wal`) ? ` What was left of it is kept as ${basename(aside)}.` : "";
    const replaces = `A new log, as the one before could not be used any more: ${why}.${kept}`;
    // In the sidecar, as another process may be the one that begins it.
    this.#sidecar.write(this.#content({ machine: this.#sidecar.read()?.machine ?? "", replaces }));
    this.#context.warn(`The audit log ${path} could not be used any more: ${why}. A new one was begun.${kept}`);
  }

  #content(known: Partial<SidecarContent>): SidecarContent {
    const none = { activity: "nothing", database: "-", wal: "-", rows: 0, head: "", machine: "", replaces: "" } as const;
    return { ...none, ...known, pid: process.pid, keyCheck: this.#keyCheck };
  }
}
