import type { Encoding, Spelling } from "./encodings/encoding.js";
import { gapStarts, gapTexts } from "./encodings/gap.js";
import type { SpelledPatterns } from "./spelled-patterns.js";

/** So many characters are compared at once. */
const LENGTH = 8;
/** What is not the usual spelling, or a gap, shows in one of its first characters. */
const LOOKAHEAD = 2;
/** From here on a line of a dump may end, with a column of text behind spaces. */
const MAY_END_LINE = 6;
const BITS_FOR_EACH = 16;
const MAX_BITS = 1 << 26;

const [FOREIGN, REGULAR, IRREGULAR] = [0, 1, 2];
const SPACE = 0x20;
const BASE64_DIGITS = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** How one encoding's matches look at their start. */
interface Opening {
  /** What each byte says: it is in no match, in the usual spelling of one, or in something else. */
  readonly kinds: Uint8Array;
  /** For each byte the one that it is compared as: letters of digits in lower case, `-` of base64 as `+`. */
  readonly folds: Uint8Array;
  /** From here on spaces may be followed by any byte. */
  readonly mayEndLine: number;
  /** A bit for each way in which the usual spelling may start. */
  readonly bits: Int32Array;
  readonly shift: number;
}

/**
 * Tells of a place at which {@link StartFilter} sees that a match may start whether eight characters there can be one's. Most matches have each unit in one usual
 * spelling, and nothing between two: of those the first eight characters are known. Where one of them is irregular, such as a space or a backslash, the reader
 * decides. Usual spellings and what else there is are taken from the encodings.
 */
export class OpeningFilter {
  readonly #candidates: readonly SpelledPatterns[];
  /** Each made when it is first asked for. */
  readonly #openings: (Opening | undefined)[] = [];

  constructor(candidates: readonly SpelledPatterns[]) {
    this.#candidates = candidates;
  }

  /** Of `encodings`, given as bits, those in which a match may start at `start`. */
  narrow(bytes: Uint8Array, start: number, encodings: number): number {
    if (start + LENGTH + LOOKAHEAD > bytes.length) return encodings;
    let possible = 0;
    for (let left = encodings; left !== 0; left &= left - 1) {
      const index = 31 - Math.clz32(left & -left);
      const opening = (this.#openings[index] ??= openingOf(this.#candidates[index] as SpelledPatterns));
      if (mayOpen(opening, bytes, start)) possible |= left & -left;
    }
    return possible;
  }
}

function mayOpen({ kinds, folds, mayEndLine, bits, shift }: Opening, bytes: Uint8Array, start: number): boolean {
  let isRegular = true;
  for (let at = 0; at < LENGTH + LOOKAHEAD; at++) {
    const byte = bytes[start + at] as number;
    const kind = kinds[byte] as number;
    if (kind === REGULAR) continue;
    if (at >= mayEndLine && byte <= SPACE) return true;
    if (kind === IRREGULAR) isRegular = false;
    else if (at < LENGTH) return false;
  }
  if (!isRegular) return true;
  const bit = hash(bytes, start, folds) >>> shift;
  return ((bits[bit >> 5] as number) & (1 << bit)) !== 0;
}

function openingOf(candidate: SpelledPatterns): Opening {
  const { encoding, patterns } = candidate;
  const { kinds, folds } = encoding.encodes === "values" ? ofAnyBytes(candidate) : ofDigits(encoding);
  let count = 1 << 12;
  while (count < patterns.size * BITS_FOR_EACH && count < MAX_BITS) count *= 2;
  const bits = new Int32Array(count / 32);
  const shift = Math.clz32(count - 1);
  const window = new Uint8Array(LENGTH);
  for (let index = 0; index < patterns.size; index++) {
    const pattern = patterns.pattern(index);
    let length = 0;
    for (let depth = 0; length < LENGTH && depth < pattern.length;) {
      const usual = candidate.spellings(pattern, depth)[0];
      if (usual === undefined) break;
      for (let at = 0; at < usual.text.length && length < LENGTH; at++) window[length++] = usual.text.charCodeAt(at);
      depth += usual.width;
    }
    const bit = hash(window, 0, folds) >>> shift;
    bits[bit >> 5]! |= 1 << bit;
  }
  return { kinds, folds, bits, shift, mayEndLine: encoding.inDumps === undefined ? Number.MAX_SAFE_INTEGER : MAY_END_LINE };
}

/** What spells a byte as itself, unless a sign comes first. */
function ofAnyBytes({ signs }: SpelledPatterns): Pick<Opening, "kinds" | "folds"> {
  return { kinds: Uint8Array.from(EVERY_BYTE, (byte) => (signs?.[byte] === 1 ? IRREGULAR : REGULAR)), folds: EVERY_BYTE };
}

/** The usual spelling is the first one. All that an encoding may write otherwise, it writes for every byte alike. */
function ofDigits(encoding: Encoding): Pick<Opening, "kinds" | "folds"> {
  const kinds = new Uint8Array(256);
  const folds = EVERY_BYTE.slice();
  const others = new Set(gapStarts(encoding.gap, 1 + LOOKAHEAD));
  const put = (text: string, anyCase = false) => {
    for (const one of anyCase ? [text.toLowerCase(), text.toUpperCase()] : [text])
      for (let at = 0; at < one.length; at++) {
        kinds[one.charCodeAt(at)] = REGULAR;
        if (anyCase) folds[one.charCodeAt(at)] = text.toLowerCase().charCodeAt(at);
      }
  };
  for (const byte of encoding.encodes === "base64" ? BASE64_DIGITS : EVERY_BYTE) {
    // Long enough that each spelling is that of a whole word.
    const pattern = new Uint8Array(2 * LENGTH + 1).fill(byte);
    for (const depth of [0, 1]) {
      const [usual, ...rest] = encoding.spellings(pattern, depth) as [Spelling, ...Spelling[]];
      put(usual.text, usual.anyCase);
      for (const { text } of rest) {
        if (text.length === 1 && usual.text.length === 1) folds[text.charCodeAt(0)] = byte;
        else others.add(text);
      }
    }
  }
  const usual = kinds.slice();
  for (const text of [...others, ...gapTexts(encoding.gap)]) put(text);
  folds.forEach((_, byte) => folds[byte] !== byte && put(String.fromCharCode(byte)));
  const lineEnd = encoding.inDumps === undefined ? [] : encoding.inDumps === "with text" ? ["\n", "\r", " ", "\t"] : ["\n", "\r"];
  for (const text of [...others, ...lineEnd]) {
    const start = Array.from(text.slice(0, 1 + LOOKAHEAD), (character) => character.charCodeAt(0));
    const sign = start.find((byte) => usual[byte] === FOREIGN) ?? start[0];
    if (sign !== undefined) kinds[sign] = IRREGULAR;
  }
  return { kinds, folds };
}

function hash(bytes: Uint8Array, start: number, folds: Uint8Array): number {
  let hash = 1;
  for (let at = start; at < start + LENGTH; at++) {
    hash = Math.imul(hash ^ (folds[bytes[at] as number] as number), FACTOR);
    hash ^= hash >>> 15;
  }
  return Math.imul(hash, FACTOR);
}

const FACTOR = 0x9e3779b1;
