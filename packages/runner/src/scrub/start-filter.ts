import type { Encoding, Gaps } from "./encodings/encoding.js";
import type { EncodedPatterns } from "./encoded-patterns.js";

/** Of each match the first so many bytes are known; so among them is one whole word of four bytes at a multiple of four. */
const WINDOW = 7;
const WORD = 4;
const OFFSETS = WINDOW - WORD + 1;
const BITS_FOR_EACH = 32;
const MAX_BITS = 1 << 24;

/**
 * Tells where in a stream a match may start, by looking at one word of four bytes in each four: the words that any encoding of any pattern
 * may have there are known, with the encoding and the offset of the word in it.
 */
export class StartFilter {
  #words = new Int32Array(1 << 10);
  #used = new Uint8Array(1 << 10);
  /** The encodings that have the word, as bits, for each offset. */
  #encodings = new Uint16Array(OFFSETS << 10);
  #count = 0;
  #bits = new Int32Array();
  #shift = 0;
  readonly #encodingsByFirstByte = new Uint16Array(256);
  readonly #window = new Uint8Array(WINDOW + 64);
  readonly #word = new Int32Array(1);
  readonly #wordBytes = new Uint8Array(this.#word.buffer);

  constructor(encodedPatterns: readonly EncodedPatterns[]) {
    encodedPatterns.forEach(({ encoding, patterns }, index) => {
      const encode = remembered(encoding);
      for (let at = 0; at < patterns.size; at++) {
        const pattern = patterns.pattern(at);
        if (at > 0 && startAlike(pattern, patterns.pattern(at - 1))) continue;
        for (const gaps of encoding.gaps) this.#addEncodings(1 << index, gaps, encode, pattern, 0, 0, 0);
      }
    });
    let bits = 1 << 12;
    while (bits < this.#count * BITS_FOR_EACH && bits < MAX_BITS) bits *= 2;
    this.#bits = new Int32Array(bits / 32);
    this.#shift = Math.clz32(bits - 1);
    for (let slot = 0; slot < this.#words.length; slot++) {
      if (this.#used[slot] === 0) continue;
      const bit = hash(this.#words[slot] as number) >>> this.#shift;
      this.#bits[bit >> 5]! |= 1 << bit;
    }
  }

  /** The encodings, as bits, of which some pattern may start with this byte. */
  encodingsByFirstByte(byte: number): number {
    return this.#encodingsByFirstByte[byte] as number;
  }

  /** The first of `words` from `from` on that may be in a match, or their number. */
  next(words: Int32Array, from: number): number {
    const bits = this.#bits;
    const shift = this.#shift;
    const end = words.length;
    for (let index = from; index < end; index++) {
      const bit = Math.imul(words[index] as number, FACTOR) >>> shift;
      if (((bits[bit >> 5] as number) & (1 << bit)) !== 0) return index;
    }
    return end;
  }

  /** Where a word's entry is, or -1 if it is in no match. */
  find(word: number): number {
    const slot = this.#slot(word);
    return this.#used[slot] === 1 ? slot : -1;
  }

  /** The encodings, as bits, in which the word of an entry may be `offset` bytes behind a match's start. */
  encodings(entry: number, offset: number): number {
    return this.#encodings[entry * OFFSETS + offset] as number;
  }

  /** Adds what may follow the `length` characters in the window, of which the words at the first `added` offsets have been added. */
  #addEncodings(
    bit: number,
    gaps: Gaps,
    encode: Encoding["encode"],
    pattern: Uint8Array,
    index: number,
    length: number,
    added: number,
  ): void {
    for (; added < OFFSETS && added + WORD <= length; added++) this.#add(added, bit);
    if (added === OFFSETS || index >= pattern.length) {
      this.#encodingsByFirstByte[this.#window[0] as number]! |= bit;
      return;
    }
    const alternatives = encode(pattern, index);
    for (const gap of index === 0 ? FIRST : gaps) {
      this.#put(gap, length);
      for (const { text, width } of alternatives) {
        this.#put(text, length + gap.length);
        this.#addEncodings(bit, gaps, encode, pattern, index + width, length + gap.length + text.length, added);
      }
    }
  }

  #put(text: string, at: number): void {
    for (let index = 0; index < text.length; index++) this.#window[at + index] = text.charCodeAt(index);
  }

  #add(offset: number, bit: number): void {
    for (let index = 0; index < WORD; index++) this.#wordBytes[index] = this.#window[offset + index] as number;
    const word = this.#word[0] as number;
    let slot = this.#slot(word);
    if (this.#used[slot] === 0) {
      if (this.#count * 2 >= this.#words.length) {
        this.#grow();
        slot = this.#slot(word);
      }
      this.#used[slot] = 1;
      this.#words[slot] = word;
      this.#count++;
    }
    this.#encodings[slot * OFFSETS + offset]! |= bit;
  }

  #slot(word: number): number {
    const mask = this.#words.length - 1;
    let slot = (hash(word) >>> 7) & mask;
    while (this.#used[slot] === 1 && this.#words[slot] !== word) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [words, used, encodings] = [this.#words, this.#used, this.#encodings];
    this.#words = new Int32Array(words.length * 4);
    this.#used = new Uint8Array(words.length * 4);
    this.#encodings = new Uint16Array(encodings.length * 4);
    for (let old = 0; old < words.length; old++) {
      if (used[old] === 0) continue;
      const slot = this.#slot(words[old] as number);
      this.#used[slot] = 1;
      this.#words[slot] = words[old] as number;
      this.#encodings.set(encodings.subarray(old * OFFSETS, (old + 1) * OFFSETS), slot * OFFSETS);
    }
  }
}

const FIRST: Gaps = [""];
const FACTOR = 0x9e3779b1;

function hash(word: number): number {
  return Math.imul(word, FACTOR);
}

/** Whether two patterns are encoded alike within the window: their last character there may be of four bytes. */
function startAlike(one: Uint8Array, other: Uint8Array): boolean {
  for (let index = 0; index < WINDOW + 3; index++) if (one[index] !== other[index]) return false;
  return true;
}

/** A encoding's alternatives, remembered where they depend on one byte of ASCII only. */
function remembered(encoding: Encoding): Encoding["encode"] {
  const first = new Map<number, ReturnType<Encoding["encode"]>>();
  const later = new Map<number, ReturnType<Encoding["encode"]>>();
  return (pattern, index) => {
    const byte = pattern[index] as number;
    if (byte >= 0x80 || encoding.pairs === true) return encoding.encode(pattern, index);
    const known = index === 0 ? first : later;
    let alternatives = known.get(byte);
    if (alternatives === undefined) known.set(byte, (alternatives = encoding.encode(pattern, index)));
    return alternatives;
  };
}
