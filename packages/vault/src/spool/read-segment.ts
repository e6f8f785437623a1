import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { Identity } from "../age/identity.js";
import { VaultError } from "../errors.js";
import { openHeader, type OpenedHeader } from "./segment-header.js";
import { headerDigest, openLine } from "./segment-lines.js";
import { parseSpoolRow, type SpoolRow } from "./spool-row.js";

/** A row of a segment with its line, from 2. */
export interface SegmentRow {
  readonly line: number;
  readonly row: SpoolRow;
}

/** A longer line is none of ours. */
const MAX_LINE_BYTES = 16 * 2 ** 20;
const CHUNK_BYTES = 2 ** 18;

/** A segment that is read, a part at a time, whatever its size. */
export class SegmentReader {
  readonly header: OpenedHeader;
  readonly #descriptor: number;
  readonly #digest: Uint8Array;
  readonly #lines: Generator<string>;
  #line = 1;

  private constructor(header: OpenedHeader, digest: Uint8Array, descriptor: number, lines: Generator<string>) {
    this.header = header;
    this.#digest = digest;
    this.#descriptor = descriptor;
    this.#lines = lines;
  }

  /**
   * Opens a segment with one of some identities.
   * @returns `undefined` where its first line is not whole yet
   * @throws VaultError `NOT_AUTHORIZED` where it is encrypted to others, {@link SegmentDamagedError} where it is no segment or was changed,
   *   `LEDGER_NEWER`, `FILE_NOT_FOUND`
   */
  static async open(file: string, identities: readonly Identity[]): Promise<SegmentReader | undefined> {
    const descriptor = openForReading(file);
    try {
      const lines = linesOf(descriptor, file);
      const first = lines.next();
      const header = first.done
        ? undefined
        : await openHeader(first.value, identities).catch((error: unknown) => {
            throw error instanceof VaultError && error.code === "DAMAGED" ? new SegmentDamagedError(file, 1) : error;
          });
      if (!first.done && !header) throw new SegmentDamagedError(file, 1);
      if (!first.done && header) return new SegmentReader(header, headerDigest(first.value), descriptor, lines);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
    return undefined;
  }

  /**
   * The next rows, at most so many; none at the end. A last line without its line feed was never acknowledged, and is not there.
   * @throws SegmentDamagedError for the first line that was changed; the rows before it were given out. VaultError `LEDGER_NEWER`
   */
  *rows(): Generator<SegmentRow> {
    for (const text of this.#lines) {
      const line = this.#line + 1;
      const opened = openLine(this.header.key, this.#digest, line, text);
      const row = opened === undefined ? undefined : parseSpoolRow(opened);
      if (!row) throw new SegmentDamagedError(this.header.segment, line);
      this.#line = line;
      yield { line, row };
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** `LEDGER_DAMAGED`: a segment holds what its writer did not write. */
export class SegmentDamagedError extends VaultError {
  /** @param segment its id, or its file where that is not known @param line the first one that was changed */
  constructor(segment: string, line: number) {
    super("LEDGER_DAMAGED", `Segment ${segment} of a spool was changed: line ${line} is not what its writer wrote.`, {
      remedy: "The rows before it were taken in. Find out who can write to the folder, and keep the file for inspection.",
    });
  }
}

function openForReading(file: string): number {
  try {
    const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
  } catch (cause) {
    throw unreadable(file, cause);
  }
  throw unreadable(file);
}

function unreadable(file: string, cause?: unknown): VaultError {
  return new VaultError("FILE_NOT_FOUND", `${file} could not be read.`, {
    remedy: "Name a segment of a spool: a regular file, and not a link, that you may read.",
    cause,
  });
}

/** The lines of a file that end with a line feed, without it. */
function* linesOf(descriptor: number, file: string): Generator<string> {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  for (let count = 1; ;) {
    const length = readSync(descriptor, chunk, 0, chunk.length, null);
    if (length === 0) return;
    rest = Buffer.concat([rest, chunk.subarray(0, length)]);
    let start = 0;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
      yield rest.toString("latin1", start, end);
      count += 1;
      start = end + 1;
    }
    rest = rest.subarray(start);
    if (rest.length > MAX_LINE_BYTES) throw new SegmentDamagedError(file, count);
  }
}
