import type { CompiledSecrets } from "./compiled-secrets.js";
import { Matcher } from "./matcher.js";
import type { HiddenBytes } from "./visible-text.js";

const WORD = 4;
const NOTHING: Uint8Array = new Uint8Array();
const NEWLINE = 0x0a;
/** For so many bytes in all, and so many more for each shape, it is faster to look at each of them than to make the filter. */
const WITHOUT_FILTER = 16_384;
const WITHOUT_FILTER_EACH = 512;

/** Replaces secrets in the bytes of one output. What is not part of a secret comes out byte for byte, in order. */
export class ByteScrubber {
  readonly #secrets: CompiledSecrets;
  readonly #matcher: Matcher;
  /** What has been taken in and may be the start of a match. */
  #held: Uint8Array = NOTHING;
  /** Where in what is held something is that is not searched, such as a colour. */
  #hidden: readonly HiddenBytes[] = [];
  /** So many bytes of what is held belong to a match that has been replaced already, or have been handed on. */
  #covered = 0;
  #coveredBy = -1;
  #heldDepth = 0;
  #seen = 0;
  readonly #withoutFilter: number;

  constructor(secrets: CompiledSecrets) {
    this.#secrets = secrets;
    this.#matcher = new Matcher(secrets.spelledPatterns);
    this.#withoutFilter = WITHOUT_FILTER + WITHOUT_FILTER_EACH * secrets.shapeCount;
  }

  /** How many bytes of a secret what is held back may be the start of, or `undefined` where nothing is. */
  get heldDepth(): number | undefined {
    return this.#held.length > this.#covered ? this.#heldDepth : undefined;
  }

  /** Whether a whole line is held back. */
  get holdsLine(): boolean {
    return this.#held.lastIndexOf(NEWLINE) >= this.#covered;
  }

  /**
   * Takes in the next bytes, in pieces of any size.
   * @param hidden what is not searched, by its place in `chunk`
   * @returns what can be passed on: all but an end that may be the start of a match. It may be a view of `chunk`.
   */
  write(chunk: Uint8Array, hidden: readonly HiddenBytes[] = []): Uint8Array {
    return this.#scrub(chunk, hidden, false);
  }

  /** Ends the output. @returns what was held back. */
  flush(): Uint8Array {
    return this.#scrub(NOTHING, [], true);
  }

  /**
   * Hands on what is held back, without giving it up: where it was the start of a secret after all, the rest of that is still replaced.
   * @param linesOnly hands on whole lines only
   */
  release(linesOnly: boolean): Uint8Array {
    const end = linesOnly ? this.#held.lastIndexOf(NEWLINE) + 1 : this.#held.length;
    if (end <= this.#covered) return NOTHING;
    const output = new Output(this.#held, this.#covered, this.#hidden);
    const released = output.upTo(end);
    this.#hidden = output.hiddenLeft(0);
    this.#covered = end;
    this.#coveredBy = -1;
    return released;
  }

  #scrub(chunk: Uint8Array, hidden: readonly HiddenBytes[], final: boolean): Uint8Array {
    const before = this.#held.length;
    const bytes = before === 0 && chunk.byteOffset % WORD === 0 ? chunk : joined(this.#held, chunk);
    const output = new Output(bytes, this.#covered, [...this.#hidden, ...hidden.map(({ at, bytes }) => ({ at: at + before, bytes }))]);
    this.#matcher.show(bytes, final);
    this.#seen += chunk.length;
    const byByte = this.#secrets.everyByte || this.#seen < this.#withoutFilter;
    const open = byByte ? this.#searchBytes(0, bytes.length, output) : this.#searchWords(bytes, output);
    const passed = output.upTo(open);
    // On their own memory, as the chunk's belongs to the caller.
    this.#held = open < bytes.length ? new Uint8Array(bytes.subarray(open)) : NOTHING;
    this.#heldDepth = this.#matcher.undecidedDepth;
    this.#hidden = output.hiddenLeft(open);
    this.#covered = Math.max(0, output.covered - open);
    return passed;
  }

  /** Searches where the filter sees that a match may start. @returns where the first undecided one starts, or the end. */
  #searchWords(bytes: Uint8Array, output: Output): number {
    const { filter, openings, encodingsByFirstByte } = this.#secrets;
    const count = Math.floor(bytes.length / WORD);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, count);
    for (let index = filter.next(words, 0); index < count; index = filter.next(words, index + 1)) {
      const entry = filter.find(words[index] as number);
      if (entry < 0) continue;
      for (let offset = WORD - 1; offset >= 0; offset--) {
        const start = index * WORD - offset;
        if (start < 0) continue;
        const seen = filter.encodings(entry, offset) & (encodingsByFirstByte[bytes[start] as number] as number);
        const encodings = seen === 0 ? 0 : openings.narrow(bytes, start, seen);
        if (encodings !== 0 && !this.#decide(start, encodings, output)) return start;
      }
    }
    return this.#searchBytes(Math.max(0, (count - 1) * WORD + 1), bytes.length, output);
  }

  #searchBytes(from: number, to: number, output: Output): number {
    const { encodingsByFirstByte } = this.#secrets;
    for (let start = from; start < to; start++) {
      const encodings = encodingsByFirstByte[output.bytes[start] as number] as number;
      if (encodings !== 0 && !this.#decide(start, encodings, output)) return start;
    }
    return to;
  }

  /** Replaces the longest match at `start`, if there is one. @returns false if that can't be said yet. */
  #decide(start: number, encodings: number, output: Output): boolean {
    const matcher = this.#matcher;
    matcher.match(start, encodings);
    if (matcher.undecided) return false;
    if (matcher.readEnd <= output.covered) return true;
    const repeated = start < output.covered && matcher.owner === this.#coveredBy;
    output.replace(start, matcher.end, repeated ? NOTHING : (this.#secrets.markers[matcher.owner] as Uint8Array));
    this.#coveredBy = matcher.owner;
    return true;
  }
}

/** Puts together what is passed on of `bytes`, with what is hidden between them in its place. */
class Output {
  readonly #parts: Uint8Array[] = [];
  readonly bytes: Uint8Array;
  /** What is before is replaced already. */
  covered: number;
  readonly #hidden: readonly HiddenBytes[];
  #nextHidden = 0;

  constructor(bytes: Uint8Array, covered: number, hidden: readonly HiddenBytes[]) {
    this.bytes = bytes;
    this.covered = covered;
    this.#hidden = hidden;
  }

  replace(start: number, end: number, marker: Uint8Array): void {
    if (start > this.covered) this.#pass(start);
    this.#pushHidden(Math.min(start, this.covered));
    if (marker.length > 0) this.#parts.push(marker);
    this.#pushHidden(end - 1);
    this.covered = end;
  }

  upTo(end: number): Uint8Array {
    if (end > this.covered) this.#pass(end);
    this.#pushHidden(end);
    return this.#parts.length === 1 ? (this.#parts[0] as Uint8Array) : this.#parts.length === 0 ? NOTHING : Buffer.concat(this.#parts);
  }

  /** What is hidden and has not been passed on, by its place from `start` on. */
  hiddenLeft(start: number): HiddenBytes[] {
    return this.#hidden.slice(this.#nextHidden).map(({ at, bytes }) => ({ at: at - start, bytes }));
  }

  #pass(end: number): void {
    let from = this.covered;
    for (let next = this.#hidden[this.#nextHidden]; next !== undefined && next.at <= end; next = this.#hidden[this.#nextHidden]) {
      if (next.at > from) this.#parts.push(this.bytes.subarray(from, (from = next.at)));
      this.#parts.push(next.bytes);
      this.#nextHidden++;
    }
    if (end > from) this.#parts.push(this.bytes.subarray(from, end));
    this.covered = end;
  }

  #pushHidden(end: number): void {
    for (let next = this.#hidden[this.#nextHidden]; next !== undefined && next.at <= end; next = this.#hidden[this.#nextHidden]) {
      this.#parts.push(next.bytes);
      this.#nextHidden++;
    }
  }
}

function joined(held: Uint8Array, chunk: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(held.length + chunk.length);
  bytes.set(held);
  bytes.set(chunk, held.length);
  return bytes;
}
