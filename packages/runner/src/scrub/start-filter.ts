import type { Spelling } from "./encodings/encoding.js";
import { gapStarts } from "./encodings/gap.js";
import { firstBytesOf, type Beginning, type SpelledPatterns } from "./spelled-patterns.js";

/** Of each match the first so many bytes are known; so among them is one whole word of four bytes at a multiple of four. */
const WINDOW = 7;
const WORD = 4;
const OFFSETS = WINDOW - WORD + 1;
/** A word, and a number for each offset. */
const SLOT = 1 + OFFSETS;
const BITS_FOR_EACH = 32;
const MAX_BITS = 1 << 24;

/**
 * Tells where in a stream a match may start, by looking at one word of four bytes in each four: the words that any encoding of any pattern
 * may have there are known, with the encoding and the offset of the word in it.
 */
export class StartFilter {
  /** Slots of a word and, for each offset, the encodings that have it there, as bits: one look into memory for both. */
  #slots = new Int32Array(SLOT << 10);
  #count = 0;
  #bits = new Int32Array();
  #shift = 0;
  readonly #window = new Uint8Array(WINDOW);
  readonly #word = new Int32Array(1);
  readonly #wordBytes = new Uint8Array(this.#word.buffer);

  constructor(candidates: readonly SpelledPatterns[]) {
    candidates.forEach((candidate, index) => {
      const gaps = Array.from({ length: WINDOW }, (_, room) => gapStarts(candidate.encoding.gap, room));
      this.#addUnits({ bit: 1 << index, candidate, gaps }, 0, candidate.patterns.size, 0, 0, 0);
    });
    let bits = 1 << 12;
    while (bits < this.#count * BITS_FOR_EACH && bits < MAX_BITS) bits *= 2;
    this.#bits = new Int32Array(bits / 32);
    this.#shift = Math.clz32(bits - 1);
    for (let slot = 0; slot < this.#slots.length; slot += SLOT) {
      if (!this.#isUsed(slot)) continue;
      const bit = hash(this.#slots[slot] as number) >>> this.#shift;
      this.#bits[bit >> 5]! |= 1 << bit;
    }
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
    return this.#isUsed(slot) ? slot : -1;
  }

  /** The encodings, as bits, in which the word of an entry may be `offset` bytes behind a match's start. */
  encodings(entry: number, offset: number): number {
    return this.#slots[entry + 1 + offset] as number;
  }

  /**
   * Adds what may follow the `length` characters in the window, of which the words at the first `added` offsets have been added, for the patterns from
   * `low` to `high`, of which `depth` bytes are in it.
   */
  #addUnits(source: Source, low: number, high: number, depth: number, length: number, added: number): void {
    added = this.#addWords(source, length, added);
    if (added === OFFSETS) return;
    const { candidate } = source;
    while (low < high && candidate.patterns.pattern(low).length <= depth) low++;
    const units: Beginning[] = [];
    for (let from = low; from < high;) {
      const to = candidate.alike(from, high, depth);
      for (const spelling of candidate.spellings(candidate.patterns.pattern(from), depth)) units.push({ spelling, low: from, high: to });
      from = to;
    }
    const firstBytes = new Set(units.flatMap(({ spelling }) => firstBytesOf(spelling)));
    for (const gap of depth === 0 ? FIRST : (source.gaps[WINDOW - length] as readonly string[])) {
      const start = this.#put(gap, length);
      const addedInGap = this.#addWords(source, start, added);
      if (addedInGap === OFFSETS) continue;
      if (start === WINDOW - 1) {
        for (const byte of firstBytes) {
          this.#window[start] = byte;
          this.#addWords(source, WINDOW, addedInGap);
        }
      } else {
        for (const unit of units) this.#addText(source, unit.low, unit.high, depth, unit.spelling, 0, start, addedInGap);
      }
    }
  }

  /** Adds what may follow a spelling of which `at` characters are in the window, each letter in either case where it may be in both. */
  #addText(source: Source, low: number, high: number, depth: number, spelling: Spelling, at: number, length: number, added: number): void {
    if (length === WINDOW || at === spelling.text.length) {
      this.#addUnits(source, low, high, depth + spelling.width, length, added);
      return;
    }
    const byte = spelling.text.charCodeAt(at);
    this.#window[length] = byte;
    this.#addText(source, low, high, depth, spelling, at + 1, length + 1, added);
    const letter = byte | 0x20;
    if (spelling.anyCase !== true || letter < 0x61 || letter > 0x7a) return;
    this.#window[length] = byte ^ 0x20;
    this.#addText(source, low, high, depth, spelling, at + 1, length + 1, added);
  }

  #addWords({ bit }: Source, length: number, added: number): number {
    for (; added < OFFSETS && added + WORD <= length; added++) this.#add(added, bit);
    return added;
  }

  /** @returns where the text ends in the window. */
  #put(text: string, at: number): number {
    const end = Math.min(WINDOW, at + text.length);
    for (let index = at; index < end; index++) this.#window[index] = text.charCodeAt(index - at);
    return end;
  }

  #add(offset: number, bit: number): void {
    for (let index = 0; index < WORD; index++) this.#wordBytes[index] = this.#window[offset + index] as number;
    const word = this.#word[0] as number;
    let slot = this.#slot(word);
    if (!this.#isUsed(slot)) {
      if (this.#count * 2 * SLOT >= this.#slots.length) {
        this.#grow();
        slot = this.#slot(word);
      }
      this.#slots[slot] = word;
      this.#count++;
    }
    this.#slots[slot + 1 + offset]! |= bit;
  }

  #slot(word: number): number {
    const mask = this.#slots.length / SLOT - 1;
    let index = (hash(word) >>> 7) & mask;
    while (this.#isUsed(index * SLOT) && this.#slots[index * SLOT] !== word) index = (index + 1) & mask;
    return index * SLOT;
  }

  #isUsed(slot: number): boolean {
    const slots = this.#slots;
    return (slots[slot + 1]! | slots[slot + 2]! | slots[slot + 3]! | slots[slot + 4]!) !== 0;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 4);
    for (let from = 0; from < old.length; from += SLOT) {
      const entry = old.subarray(from, from + SLOT);
      if (entry.subarray(1).every((bits) => bits === 0)) continue;
      this.#slots.set(entry, this.#slot(entry[0] as number));
    }
  }
}

/** What the words of a match's start come from. */
interface Source {
  readonly bit: number;
  readonly candidate: SpelledPatterns;
  /** By the room that is left in the window. */
  readonly gaps: readonly (readonly string[])[];
}

const FIRST = [""];
const FACTOR = 0x9e3779b1;

function hash(word: number): number {
  return Math.imul(word, FACTOR);
}
