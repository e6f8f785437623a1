import { closeSync, constants, fstatSync, openSync, readSync, statSync, writeSync } from "node:fs";
import process from "node:process";
import { isProcessAlive, isSystemError, type Digest } from "@agent-vault/vault/read-only";

/**
 * What is known of a database from outside of it: how its files were left, and what the audit log then held. The engine ends the
 * process on some damaged files and drops rows in silence on others, so files that are not as they were left are looked at in
 * another process first, and what they hold is compared with this.
 */
export interface SidecarContent {
  /** `writing` and `checking` while a process does so. In the file it is called `doing`. */
  readonly activity: "nothing" | "writing" | "checking";
  readonly pid: number;
  /** The files as they were left; `-` for none, or an empty one. */
  readonly database: string;
  readonly wal: string;
  /** What the audit log held for certain: its number of rows, and the hash of the last. */
  readonly rows: number;
  readonly head: Digest | "";
  readonly machine: string;
  /** What the first row of a new log says of the one that it takes the place of; empty without one. */
  readonly replaces: string;
  /** Tells the right key from a wrong one, and says nothing about it; empty while none is known to be right. */
  readonly keyCheck: string;
}

/** `changed` and `suspicious` files are inspected before they are opened. */
export type DatabaseCondition = "new" | "sound" | "being checked" | "changed" | "suspicious";

/** Fixed, so that it is written over in place, in one go. */
const SIZE = 1024;
const FORMAT = 1;
/** After so long a process that says it is checking is taken for another one that got its number. */
const MAX_CHECK_MS = 600_000;

/** A small file beside the database, `PATH-marks`, that holds its {@link SidecarContent}. */
export class DatabaseSidecar {
  readonly #file: string;
  readonly #path: string;

  /** @param path of the database */
  constructor(path: string) {
    this.#path = path;
    this.#file = `${path}-marks`;
  }

  /** What it holds, or `undefined` where there is nothing that can be read. */
  read(): SidecarContent | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(this.#file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    } catch (error) {
      if (isSystemError(error, "ENOENT", "ELOOP")) return undefined;
      throw error;
    }
    try {
      if (!fstatSync(descriptor).isFile()) return undefined;
      const bytes = Buffer.alloc(SIZE);
      return parse(bytes.toString("utf8", 0, readSync(descriptor, bytes, 0, SIZE, 0)));
    } finally {
      closeSync(descriptor);
    }
  }

  write({ activity, ...rest }: SidecarContent): void {
    const descriptor = openSync(this.#file, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600);
    try {
      writeSync(descriptor, JSON.stringify({ format: FORMAT, doing: activity, ...rest }).padEnd(SIZE), 0);
    } finally {
      closeSync(descriptor);
    }
  }

  /** The stamps of the files as they are now. */
  stamps(): Pick<SidecarContent, "database" | "wal"> {
    return { database: stamp(this.#path), wal: stamp(`${this.#path}-wal`) };
  }

  /** Whether the files can be opened in this process. @param left how they were left, as {@link read} has it */
  conditionOf(left: SidecarContent | undefined): DatabaseCondition {
    const { database, wal } = this.stamps();
    if (database === "-" && wal === "-" && (left?.rows ?? 0) === 0) return "new";
    if (!left) return "changed";
    // What names this very process was left by an earlier one with its number, or by work that failed.
    const isAtWork = left.activity !== "nothing" && left.pid !== process.pid && isProcessAlive(left.pid);
    if (left.activity === "checking") return isAtWork && this.#ageMs() < MAX_CHECK_MS ? "being checked" : "suspicious";
    if (left.activity === "writing") return isAtWork ? "sound" : "suspicious";
    return left.database === database && left.wal === wal ? "sound" : "changed";
  }

  #ageMs(): number {
    return Date.now() - (statSync(this.#file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  }
}

function stamp(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined || stat.size === 0n ? "-" : `${stat.ino}:${stat.size}:${stat.mtimeNs}`;
}

function parse(text: string): SidecarContent | undefined {
  try {
    const { format, doing, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const { pid, database, wal, rows, head, machine, replaces, keyCheck } = rest;
    const isWhole =
      format === FORMAT &&
      (doing === "nothing" || doing === "writing" || doing === "checking") &&
      Number.isSafeInteger(pid) &&
      Number.isSafeInteger(rows) &&
      [database, wal, head, machine, replaces, keyCheck].every((value) => typeof value === "string");
    return isWhole ? ({ activity: doing, ...rest } as unknown as SidecarContent) : undefined;
  } catch {
    return undefined;
  }
}
