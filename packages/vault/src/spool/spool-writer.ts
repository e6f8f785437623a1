import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, lstatSync, openSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Identity } from "../age/identity.js";
import type { Recipient } from "../age/recipient.js";
import type { Context } from "../context.js";
import { syncFolder, writeWhole } from "../disk/atomic-file.js";
import { machineId, processStart } from "../disk/process-alive.js";
import { isSystemError, VaultError, writeError } from "../errors.js";
import { oneAtATime } from "../one-at-a-time.js";
import { ledgerFolder } from "../record/unrecorded-uses.js";
import { sealHeader, type SegmentHeader } from "./segment-header.js";
import { headerDigest, sealLine } from "./segment-lines.js";
import { requirePrivateFolder, spoolFolder, spoolMachine } from "./spool-folder.js";
import { formatSpoolRow, rowReference, type SpoolRow } from "./spool-row.js";

/** To whom a new segment is encrypted, and whose it is. */
export interface SegmentAccess {
  /** The owners, and the identity at work where it is of their kind. */
  readonly recipients: readonly Recipient[];
  /** The identity at work, and its recipient. */
  readonly identity: Identity;
  readonly recipient: string;
}

/** A segment that this process writes. */
interface OpenSegment {
  readonly name: string;
  readonly file: string;
  readonly inode: bigint;
  readonly key: Uint8Array;
  readonly digest: Uint8Array;
  /** How many lines it has, the first included, and how many bytes. */
  lines: number;
  size: bigint;
}

/** A writer goes on in a new segment from here on. */
const MAX_SEGMENT_BYTES = 16n * 2n ** 20n;
const MAX_ATTEMPTS = 3;
const APPEND = constants.O_WRONLY | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);
const CREATE = APPEND | constants.O_CREAT | constants.O_EXCL;

/**
 * Writes the rows of one identity to a vault's spool. Each process and each worker thread has a segment of its own, so no writer waits for
 * another one.
 */
export class SpoolWriter {
  readonly #context: Context;
  readonly #vault: string;
  readonly #access: () => Promise<SegmentAccess>;
  #segment: OpenSegment | undefined;

  /** @param access is asked with each new segment */
  constructor(context: Context, vault: string, access: () => Promise<SegmentAccess>) {
    this.#context = context;
    this.#vault = vault;
    this.#access = access;
  }

  /**
   * Appends a row. When this resolves, the disk holds it.
   * @returns what names the row
   * @throws VaultError `UNWRITABLE`, `DISK_FULL`, `LEDGER_FOLDER`, and what asking for access throws: then nothing was recorded
   */
  append(row: SpoolRow): Promise<string> {
    return oneAtATime(this, async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const segment = (this.#segment ??= await this.#begin());
        const line = segment.lines + 1;
        if (this.#write(segment, sealLine(segment.key, segment.digest, line, formatSpoolRow(row)))) return rowReference(segment.name, line);
        // It was taken in and closed meanwhile, as that of a process that seemed to be gone.
        this.#segment = undefined;
      }
      throw new VaultError("UNWRITABLE", `${spoolFolder(this.#context, this.#vault)} loses what is written to it.`, {
        remedy: "Find out what deletes its files, or choose another AGENT_VAULT_HOME.",
      });
    });
  }

  /** @returns `false` where the segment is no longer the one that was begun */
  #write(segment: OpenSegment, line: string): boolean {
    const { file, inode } = segment;
    let descriptor: number | undefined;
    try {
      descriptor = openSync(file, APPEND);
      const stat = fstatSync(descriptor, { bigint: true });
      if (stat.ino !== inode || stat.size !== segment.size) return false;
      const bytes = Buffer.from(`${line}\n`);
      try {
        writeWhole(descriptor, bytes);
        fsyncSync(descriptor);
      } catch (error) {
        this.#segment = undefined;
        takeBack(descriptor, segment.size);
        throw error;
      }
      if (lstatSync(file, { bigint: true, throwIfNoEntry: false })?.ino !== inode) return false;
      segment.lines += 1;
      segment.size += BigInt(bytes.length);
      if (segment.size >= MAX_SEGMENT_BYTES) this.#segment = undefined;
      return true;
    } catch (error) {
      if (isSystemError(error, "ENOENT") && descriptor === undefined) return false;
      throw writeError(error, file);
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }

  async #begin(): Promise<OpenSegment> {
    const context = this.#context;
    const folder = spoolFolder(context, this.#vault);
    for (const each of [ledgerFolder(context), folder]) requirePrivateFolder(each);
    const { recipients, identity, recipient } = await this.#access();
    const header: SegmentHeader = {
      vault: this.#vault,
      segment: Buffer.from(context.random(16)).toString("hex"),
      key: context.random(32),
      machine: spoolMachine(context),
      writer: { pid: process.pid, start: processStart(process.pid) ?? "0", host: machineId() },
      started: context.now().toISOString(),
      identity: recipient,
    };
    const line = await sealHeader(header, recipients, identity);
    const file = join(folder, header.segment);
    try {
      const descriptor = openSync(file, CREATE, 0o600);
      try {
        const bytes = Buffer.from(`${line}\n`);
        writeWhole(descriptor, bytes);
        fsyncSync(descriptor);
        syncFolder(folder);
        const inode = fstatSync(descriptor, { bigint: true }).ino;
        return { name: header.segment, file, inode, key: header.key, digest: headerDigest(line), lines: 1, size: BigInt(bytes.length) };
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      throw writeError(error, file);
    }
  }
}

/** As well as may be: a line without its line feed is read as none. */
function takeBack(descriptor: number, size: bigint): void {
  try {
    ftruncateSync(descriptor, Number(size));
  } catch {
    // The error that led here says more.
  }
}
