import type { Encoding, Spelling } from "./encodings/encoding.js";
import type { Text } from "./encodings/text.js";
import { gapStarts } from "./encodings/gap.js";
import { raw } from "./encodings/raw.js";
import type { PatternSet } from "./pattern-set.js";

/** A spelling of the first bytes of the patterns from `low` to `high` (not included). */
export interface Beginning {
  readonly spelling: Spelling;
  readonly low: number;
  readonly high: number;
}

/** A byte and a spelling of it. */
export interface SpelledByte {
  readonly byte: number;
  readonly spelling: Spelling;
}

const NONE: readonly never[] = [];
/** For spellings that are too short to be told by their next bytes. */
const ANY = -1;
const HEX_DIGITS = "0123456789abcdefABCDEF";

/** An encoding with the patterns that it may spell. */
export class SpelledPatterns {
  readonly encoding: Encoding;
  readonly patterns: PatternSet;
  /** By the first byte of the spelling, and of those by the next ones. */
  readonly #beginnings: (Map<number, Beginning[]> | undefined)[] = [];
  #signs: Uint8Array | undefined;
  readonly #remembered = [new Map<number, readonly Spelling[]>(), new Map<number, readonly Spelling[]>()] as const;

  constructor(encoding: Encoding, patterns: PatternSet) {
    this.encoding = encoding;
    this.patterns = patterns;
    for (let low = 0; low < patterns.size;) {
      const high = this.alike(low, patterns.size, 0);
      for (const spelling of this.spellings(patterns.pattern(low), 0)) {
        for (const byte of firstBytesOf(spelling)) {
          const byNext = (this.#beginnings[byte] ??= new Map<number, Beginning[]>());
          for (const next of this.#nextKeys(spelling)) {
            const known = byNext.get(next);
            if (known === undefined) byNext.set(next, [{ spelling, low, high }]);
            else known.push({ spelling, low, high });
          }
        }
      }
      low = high;
    }
  }

  /**
   * For an encoding that may spell a byte as it is: for each byte whether a spelling of another kind starts with it, such as the backslash of an
   * escape.
   */
  get signs(): Uint8Array | undefined {
    if (this.encoding.encodes !== "values" || this.encoding === raw) return undefined;
    return (this.#signs ??= signsOf(this.encoding, this.patterns));
  }

  /** Whether some pattern may begin with this byte. */
  mayBegin(byte: number): boolean {
    return this.#beginnings[byte] !== undefined;
  }

  /** How patterns may begin in `text` at `at`. */
  beginnings(text: Text, at: number): readonly Beginning[] {
    const byNext = this.#beginnings[text.byte(at)];
    if (byNext === undefined) return NONE;
    let key = 0;
    for (let index = 1; index <= this.#keyLength; index++) {
      const byte = text.byte(at + index);
      if (byte < 0) return [...byNext.values()].flat();
      key |= byte << (8 * (index - 1));
    }
    const [found, short] = [byNext.get(key), byNext.get(ANY)];
    return found === undefined || short === undefined ? (found ?? short ?? NONE) : [...short, ...found];
  }

  /** So many bytes behind the first one tell beginnings apart. */
  get #keyLength(): number {
    return (this.encoding.sees ?? 1) > 1 ? 3 : 1;
  }

  #nextKeys(spelling: Spelling): number[] {
    if (spelling.text.length <= this.#keyLength) return [ANY];
    let keys = [0];
    for (let index = 1; index <= this.#keyLength; index++)
      keys = keys.flatMap((key) => firstBytesOf(spelling, index).map((byte) => key | (byte << (8 * (index - 1)))));
    return keys;
  }

  /** Whether no gap starts with this byte, so that there is none. */
  isNoGap(byte: number): boolean {
    return byte >= 0 && gapsOf(this.encoding)[byte] === 0;
  }

  /** All bytes of ASCII that some spelling writes with this byte first; `undefined` where a spelling depends on more than one byte. */
  spelledBytes(byte: number): readonly SpelledByte[] | undefined {
    if ((this.encoding.sees ?? 1) > 1) return undefined;
    return byte < 0 ? NONE : (byFirstByte(this.encoding)[byte] ?? NONE);
  }

  /** Where the patterns from `low` on end that are spelled alike at `depth`. */
  alike(low: number, high: number, depth: number): number {
    const pattern = this.patterns.pattern(low);
    const byte = pattern[depth] as number;
    const { sees = 1 } = this.encoding;
    if (sees === 1 && byte < 0x80) return this.patterns.firstWith(low, high, depth, byte + 1);
    let end = low + 1;
    while (end < high && sameFrom(pattern, this.patterns.pattern(end), depth, Math.max(sees, 4))) end++;
    return end;
  }

  /** How the unit of a pattern at `depth` may be spelled. */
  spellings(pattern: Uint8Array, depth: number): readonly Spelling[] {
    const byte = pattern[depth] as number;
    if ((this.encoding.sees ?? 1) > 1 || byte >= 0x80) return this.encoding.spellings(pattern, depth);
    const remembered = this.#remembered[depth === 0 ? 0 : 1];
    let spellings = remembered.get(byte);
    if (spellings === undefined) remembered.set(byte, (spellings = this.encoding.spellings(pattern, depth)));
    return spellings;
  }
}

/** The bytes with which a spelling may begin in a text, or that it may have at another place. */
export function firstBytesOf({ text, anyCase, wild = 0 }: Spelling, at = 0): readonly number[] {
  const first = text.charAt(at);
  const all = wild > at ? HEX_DIGITS : anyCase ? [...new Set([first.toLowerCase(), first.toUpperCase()])].join("") : first;
  return Array.from(all, (character) => character.charCodeAt(0));
}

const knownSpelledBytes = new WeakMap<Encoding, (SpelledByte[] | undefined)[]>();

/** The spellings of all bytes of ASCII, by the byte that they start with. They hold for every pattern but its first byte. */
function byFirstByte(encoding: Encoding): readonly (readonly SpelledByte[] | undefined)[] {
  let known = knownSpelledBytes.get(encoding);
  if (known !== undefined) return known;
  knownSpelledBytes.set(encoding, (known = []));
  for (let byte = 0; byte < 0x80; byte++) {
    for (const spelling of encoding.spellings(Uint8Array.of(0, byte), 1)) {
      for (const first of firstBytesOf(spelling)) (known[first] ??= []).push({ byte, spelling });
    }
  }
  return known;
}

const knownGaps = new WeakMap<Encoding, Uint8Array>();

/** For each byte whether it starts a gap; all do where a gap has to be. */
function gapsOf(encoding: Encoding): Uint8Array {
  let known = knownGaps.get(encoding);
  if (known !== undefined) return known;
  const starts = gapStarts(encoding.gap, 1);
  knownGaps.set(encoding, (known = new Uint8Array(256).fill(starts.includes("") ? 0 : 1)));
  for (const start of starts) if (start !== "") known[start.charCodeAt(0)] = 1;
  return known;
}

/** A byte that is taken for all characters which are not ASCII: their spellings begin alike. */
const SAMPLE = 0x61;

function signsOf(encoding: Encoding, patterns: PatternSet): Uint8Array {
  const signs = new Uint8Array(256);
  for (const byte of patterns.bytes().add(SAMPLE)) {
    for (const spelling of encoding.spellings(Uint8Array.of(byte), 0)) {
      if (spelling.text !== String.fromCharCode(byte)) for (const first of firstBytesOf(spelling)) signs[first] = 1;
    }
  }
  for (const start of gapStarts(encoding.gap, 1)) if (start !== "") signs[start.charCodeAt(0)] = 1;
  return signs;
}

function sameFrom(one: Uint8Array, other: Uint8Array, depth: number, count: number): boolean {
  for (let index = depth; index < depth + count; index++) if (one[index] !== other[index]) return false;
  return true;
}
