import { Text, UNDECIDED, type Encoding } from "./encodings/encoding.js";
import { raw } from "./encodings/raw.js";
import type { EncodedPatterns } from "./encoded-patterns.js";

/** Finds the longest match that starts at a place of a text. */
export class Matcher {
  /** Where the longest match ends, or -1. */
  end = -1;
  /** Whose it is. */
  owner = -1;
  /** Whether the text ends within what may become a match, or a longer one. */
  undecided = false;
  readonly #text = new Text();
  readonly #candidates: readonly EncodedPatterns[];
  /** How far `raw` has read. */
  #readTo = 0;
  /** The encodings in which a byte means itself unless it is a delimiter, as bits, and for each byte those to which it is one. */
  #alike = 0;
  readonly #delimiters = new Uint16Array(256);

  constructor(encodedPatterns: readonly EncodedPatterns[]) {
    this.#candidates = encodedPatterns;
    encodedPatterns.forEach(({ encoding: { delimiters } }, index) => {
      if (delimiters === undefined) return;
      this.#alike |= 1 << index;
      for (const delimiter of delimiters.split("")) this.#delimiters[delimiter.charCodeAt(0)]! |= 1 << index;
    });
  }

  /** @param final whether nothing follows `bytes`. */
  show(bytes: Uint8Array, final: boolean): void {
    this.#text.show(bytes, final);
  }

  /** Looks for matches at `start` in `encodings`, given as bits. */
  match(start: number, encodings: number): void {
    this.end = -1;
    this.undecided = false;
    this.#readTo = start;
    for (let left = encodings; left !== 0; left &= left - 1) {
      const bit = left & -left;
      const candidate = this.#candidates[31 - Math.clz32(bit)] as EncodedPatterns;
      this.#follow(candidate, start, start, 0, candidate.patterns.size, 0);
      // The encodings that read all of this unchanged would do the same once more.
      if (candidate.encoding === raw) left &= ~this.#readingAlike(start);
    }
  }

  /** The encodings, as bits, to which nothing is a delimiter of what `raw` has read. */
  #readingAlike(start: number): number {
    let alike = this.#alike;
    const end = Math.min(this.#readTo + 1, this.#text.length);
    for (let at = start; at < end && alike !== 0; at++) alike &= ~(this.#delimiters[this.#text.byte(at)] as number);
    return alike;
  }

  /** Reads on from `at` while the patterns from `low` to `high` fit, of which `depth` bytes have been read. */
  #follow(candidate: EncodedPatterns, start: number, at: number, low: number, high: number, depth: number): void {
    const { encoding, patterns } = candidate;
    const text = this.#text;
    while (low < high) {
      if (patterns.pattern(low).length === depth) {
        this.#complete(encoding, at, patterns.owner(low++));
        continue;
      }
      if (encoding === raw && high - low === 1) {
        this.#compare(at, patterns.pattern(low), depth, patterns.owner(low));
        return;
      }
      const next = encoding.read(text, at, depth);
      if (encoding === raw) this.#readTo = at;
      if (next < 0) {
        // An escape that the text cuts off counts as a start only if some pattern can start so.
        this.undecided ||= next === UNDECIDED && (depth > 0 || candidate.starts.has(text.rest(start)));
        return;
      }
      const first = text.unit[0] as number;
      const [size, other] = [text.size, text.other];
      if (other >= 0 || size > 1) {
        const unit = text.unit.slice(0, size);
        if (other >= 0) this.#followByte(candidate, start, next, low, high, depth, other);
        for (let index = 1; index < size; index++) {
          const byte = unit[index - 1] as number;
          const from = patterns.firstWith(low, high, depth, byte);
          [low, high] = [from, patterns.firstWith(from, high, depth, byte + 1)];
          depth++;
          if (low < high && patterns.pattern(low).length === depth) this.#complete(encoding, next, patterns.owner(low++));
        }
        this.#followByte(candidate, start, next, low, high, depth, unit[size - 1] as number);
        return;
      }
      const from = patterns.firstWith(low, high, depth, first);
      high = patterns.firstWith(from, high, depth, first + 1);
      low = from;
      depth++;
      at = next;
    }
  }

  /** What `#follow` does for one pattern and bytes as they are. */
  #compare(at: number, pattern: Uint8Array, depth: number, owner: number): void {
    const same = this.#text.same(at, pattern, depth);
    this.#readTo = at + same;
    if (depth + same === pattern.length) this.#complete(raw, at + same, owner);
    else if (this.#text.byte(at + same) === UNDECIDED) this.undecided = true;
  }

  #followByte(candidate: EncodedPatterns, start: number, at: number, low: number, high: number, depth: number, byte: number): void {
    if (low >= high) return;
    const from = candidate.patterns.firstWith(low, high, depth, byte);
    this.#follow(candidate, start, at, from, candidate.patterns.firstWith(from, high, depth, byte + 1), depth + 1);
  }

  #complete(encoding: Encoding, at: number, owner: number): void {
    const closed = encoding.close === undefined ? at : encoding.close(this.#text, at);
    this.undecided ||= closed === UNDECIDED;
    const end = closed < 0 ? at : closed;
    if (end <= this.end) return;
    this.end = end;
    this.owner = owner;
  }
}
