import type { Encoding, Spelling } from "./encodings/encoding.js";
import { digitOf, NO_UNIT, Text, UNDECIDED } from "./encodings/text.js";
import { columnAfter, mayEndDumpLine, nextDumpLine } from "./encodings/dump-lines.js";
import { skipGap } from "./encodings/gap.js";
import { raw } from "./encodings/raw.js";
import type { SpelledPatterns } from "./spelled-patterns.js";

/** Of so many patterns it is faster to ask which of them the text can be. */
const MANY = 4;

/** Finds the longest match that starts at a place of a text. */
export class Matcher {
  /** Where the longest match ends, or -1. */
  end = -1;
  /** Where what has been read of it ends; behind that may be a dump's column of text. */
  readEnd = -1;
  /** Whose it is. */
  owner = -1;
  /** Whether the text ends within what may become a match, or a longer one. */
  undecided = false;
  /** So many bytes of a pattern at most have been read where it is undecided. */
  undecidedDepth = 0;
  readonly #text = new Text();
  readonly #candidates: readonly SpelledPatterns[];
  /** How far `raw` has read, or -1. */
  #readTo = 0;

  constructor(candidates: readonly SpelledPatterns[]) {
    this.#candidates = candidates;
  }

  /** @param final whether nothing follows `bytes`. */
  show(bytes: Uint8Array, final: boolean): void {
    this.#text.show(bytes, final);
  }

  /** Looks for matches at `start` in `encodings`, given as bits. */
  match(start: number, encodings: number): void {
    this.end = -1;
    this.readEnd = -1;
    this.undecided = false;
    this.undecidedDepth = 0;
    this.#readTo = -1;
    for (let left = encodings; left !== 0; left &= left - 1) {
      const candidate = this.#candidates[31 - Math.clz32(left & -left)] as SpelledPatterns;
      // One that spells all of this as it is would find what `raw` has found.
      const { signs } = candidate;
      if (this.#readTo >= 0 && signs !== undefined && !this.#text.hasAny(start, this.#readTo + 1, signs)) continue;
      this.#begin(candidate, start);
    }
  }

  #begin(candidate: SpelledPatterns, start: number): void {
    if (candidate.encoding === raw) {
      const { patterns } = candidate;
      const low = patterns.firstWith(0, patterns.size, 0, this.#text.byte(start));
      this.#followRaw(candidate, start, start, low, patterns.firstWith(low, patterns.size, 0, this.#text.byte(start) + 1));
      return;
    }
    for (const { spelling, low, high } of candidate.beginnings(this.#text, start))
      this.#take(candidate, start, start, spelling, low, high, 0);
  }

  /** Bytes as they are. */
  #followRaw({ patterns, encoding }: SpelledPatterns, start: number, at: number, low: number, high: number): void {
    let depth = 0;
    while (low < high) {
      if (patterns.pattern(low).length === depth) {
        this.#complete(encoding, start, at, patterns.owner(low++));
        continue;
      }
      if (high - low === 1) {
        const pattern = patterns.pattern(low);
        const same = this.#text.same(at, pattern, depth);
        this.#readTo = at + same;
        if (depth + same === pattern.length) this.#complete(encoding, start, at + same, patterns.owner(low));
        else if (this.#text.byte(at + same) === UNDECIDED) this.#leaveOpen(depth + same);
        return;
      }
      this.#readTo = at;
      const byte = this.#text.byte(at);
      if (byte < 0) {
        if (byte === UNDECIDED) this.#leaveOpen(depth);
        return;
      }
      low = patterns.firstWith(low, high, depth, byte);
      high = patterns.firstWith(low, high, depth, byte + 1);
      depth++;
      at++;
    }
  }

  /** Reads on from `at` while the patterns from `low` to `high` fit, of which `depth` bytes have been read. */
  #follow(candidate: SpelledPatterns, start: number, at: number, low: number, high: number, depth: number): void {
    const { encoding, patterns } = candidate;
    while (low < high && patterns.pattern(low).length === depth) this.#complete(encoding, start, at, patterns.owner(low++));
    if (low >= high) return;
    const unit = encoding.gap === undefined || candidate.isNoGap(this.#text.byte(at)) ? at : skipGap(encoding.gap, this.#text, at);
    if (unit >= 0) this.#followUnit(candidate, start, unit, low, high, depth);
    else if (unit === UNDECIDED) this.#leaveOpen(depth);
    if (encoding.inDumps === undefined || !mayEndDumpLine(depth, at - start)) return;
    const next = nextDumpLine(this.#text, at, encoding.inDumps);
    if (next >= 0 && next !== unit) this.#followUnit(candidate, start, next, low, high, depth);
    else if (next === UNDECIDED) this.#leaveOpen(depth);
  }

  #followUnit(candidate: SpelledPatterns, start: number, at: number, low: number, high: number, depth: number): void {
    const { patterns } = candidate;
    // Where there are many patterns, the text tells which byte of them it may spell.
    const spelledBytes = high - low > MANY && this.#text.byte(at) !== UNDECIDED ? candidate.spelledBytes(this.#text.byte(at)) : undefined;
    if (spelledBytes !== undefined) {
      const beyond = patterns.firstWith(low, high, depth, 0x80);
      for (const { byte, spelling } of spelledBytes) {
        const next = this.#read(spelling, at);
        if (next === NO_UNIT) continue;
        const from = patterns.firstWith(low, beyond, depth, byte);
        const to = patterns.firstWith(from, beyond, depth, byte + 1);
        if (from < to) this.#take(candidate, start, at, spelling, from, to, depth);
      }
      low = beyond;
    }
    for (let from = low; from < high;) {
      const to = candidate.alike(from, high, depth);
      for (const spelling of candidate.spellings(patterns.pattern(from), depth))
        this.#take(candidate, start, at, spelling, from, to, depth);
      from = to;
    }
  }

  /** Reads on behind a spelling of the next bytes of the patterns from `low` to `high`, if the text has it. */
  #take(candidate: SpelledPatterns, start: number, at: number, spelling: Spelling, low: number, high: number, depth: number): void {
    const next = this.#read(spelling, at);
    if (next >= 0) this.#follow(candidate, start, next, low, high, depth + spelling.width);
    else if (next === UNDECIDED) this.#leaveOpen(depth);
  }

  #read({ text, anyCase, wild = 0 }: Spelling, at: number): number {
    for (let index = 0; index < text.length; index++) {
      const byte = this.#text.byte(at + index);
      const wanted = text.charCodeAt(index);
      if (byte === wanted) continue;
      if (byte < 0) return byte;
      const fits = index < wild ? digitOf(byte) < 16 : anyCase === true && isOtherCase(byte, wanted);
      if (!fits) return NO_UNIT;
    }
    return at + text.length;
  }

  #leaveOpen(depth: number): void {
    this.undecided = true;
    this.undecidedDepth = Math.max(this.undecidedDepth, depth);
  }

  #complete({ inDumps, notBefore }: Encoding, start: number, at: number, owner: number): void {
    if (notBefore !== undefined) {
      const byte = this.#text.byte(at);
      if (byte === UNDECIDED) this.#leaveOpen(Number.MAX_SAFE_INTEGER);
      else if (byte >= 0 && notBefore.includes(String.fromCharCode(byte))) return;
    }
    const closed = inDumps === "with text" ? columnAfter(this.#text, start, at) : at;
    if (closed === UNDECIDED) this.#leaveOpen(Number.MAX_SAFE_INTEGER);
    const end = closed < 0 ? at : closed;
    // What is read of a value counts before what is only beside it.
    if (at < this.readEnd || (at === this.readEnd && end <= this.end)) return;
    this.readEnd = at;
    this.end = end;
    this.owner = owner;
  }
}

function isOtherCase(byte: number, wanted: number): boolean {
  const letter = byte | 0x20;
  return letter === (wanted | 0x20) && letter >= 0x61 && letter <= 0x7a;
}
