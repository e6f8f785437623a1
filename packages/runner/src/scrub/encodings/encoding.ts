import { decodeUtf8 } from "@agent-vault/vault/read-only";
/**
 * A way in which programs write bytes. An encoding reads text forward, unit by unit (a byte, or a character of several bytes), and knows how
 * it would encode each unit, so that the filter can tell where a secret may start.
 */
export interface Encoding {
  /** What its units encode: the values, the values and what is left of them after their first bytes, or their base64 text. */
  readonly encodes: "values" | "values and ends" | "base64";
  /**
   * Reads the unit at `at` into `text`, with what is between it and the unit before if `depth` (the bytes read so far) is above 0.
   * @returns where the next one is, `NO_UNIT`, or `UNDECIDED` where the text ends too early to say.
   */
  read(text: Text, at: number, depth: number): number;
  /** How the unit at `index` may be encoded. */
  encode(pattern: Uint8Array, index: number): readonly EncodedUnit[];
  /** If every other byte means itself: the bytes that do not, as the backslash in an escape. */
  readonly delimiters?: string;
  /** Whether a unit shows two bytes, so that its encoding depends on both. */
  readonly pairs?: true;
  /** What may stand between two units, as far as the filter has to know it, in lists of what one text has together: `""` is nothing. */
  readonly gaps: readonly Gaps[];
  /** Where a match ends whose last unit ends at `at`, if more than its units shows the value; or `UNDECIDED`. */
  close?(text: Text, at: number): number;
}

/** Texts that may be between two units; `""` is nothing. */
export type Gaps = readonly string[];

/** Text in latin1, and how many bytes of the pattern it encodes. */
export interface EncodedUnit {
  readonly text: string;
  readonly width: number;
}

/** There is no unit at a place. */
export const NO_UNIT = -1;
/** The text ends before it can be told. */
export const UNDECIDED = -2;
/** Units follow each other without a gap. */
export const NO_GAP: readonly Gaps[] = [[""]];

/** The text that encodings read, and the unit that was read last. */
export class Text {
  #bytes: Uint8Array = new Uint8Array();
  #final = false;
  readonly unit = new Uint8Array(4);
  size = 0;
  /** The byte that the unit may stand for instead, or -1. */
  other = -1;
  /** The number that `readDigits` read last. */
  number = 0;

  /** @param final whether nothing follows `bytes`. */
  show(bytes: Uint8Array, final: boolean): void {
    this.#bytes = bytes;
    this.#final = final;
  }

  /** The byte at `at`; where the text has ended, `NO_UNIT` or, if more may come, `UNDECIDED`. */
  byte(at: number): number {
    return at < this.#bytes.length ? (this.#bytes[at] as number) : this.#final ? NO_UNIT : UNDECIDED;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** How many bytes from `at` on are those of `pattern` from `depth` on. */
  same(at: number, pattern: Uint8Array, depth: number): number {
    const bytes = this.#bytes;
    const most = Math.min(pattern.length - depth, bytes.length - at);
    let count = 0;
    while (count < most && bytes[at + count] === pattern[depth + count]) count++;
    return count;
  }

  /** What there is from `at` on, in latin1. */
  rest(at: number): string {
    return String.fromCharCode(...this.#bytes.subarray(at));
  }

  /** Takes the byte at `at` as a unit. */
  take(at: number): number {
    const byte = this.byte(at);
    return byte < 0 ? byte : this.one(at + 1, byte);
  }

  /** The unit is one byte; `next` is returned. */
  one(next: number, byte: number, other = -1): number {
    this.unit[0] = byte;
    this.size = 1;
    this.other = other;
    return next;
  }

  /** The unit is a character in UTF-8; `next` is returned, or `NO_UNIT` if there is no such character. */
  character(next: number, codePoint: number, other = -1): number {
    if (codePoint < 0x80) return this.one(next, codePoint);
    if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint < 0xe000)) return NO_UNIT;
    this.size = encoder.encodeInto(String.fromCodePoint(codePoint), this.unit).written;
    this.other = other;
    return next;
  }

  /** Whether the unit is this one byte. */
  is(byte: number): boolean {
    return this.size === 1 && this.unit[0] === byte;
  }
}

const encoder = new TextEncoder();

/** Reads one unit, as `Encoding.read` does. */
export type Read = (text: Text, at: number) => number;

/** Reads exactly `count` digits into `text.number`. */
export function readDigits(text: Text, at: number, count: number, radix: number, read: Read): number {
  let value = 0;
  for (let index = 0; index < count; index++) {
    const next = read(text, at);
    if (next < 0) return next;
    const digit = text.size === 1 ? digitOf(text.unit[0] as number) : NO_DIGIT;
    if (digit >= radix) return NO_UNIT;
    value = value * radix + digit;
    at = next;
  }
  text.number = value;
  return at;
}

const NO_DIGIT = 99;

/** The value of a hexadecimal digit, or 99. */
export function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NO_DIGIT;
}

/** A text in which digits above nine may be written in lower or upper case: `lower` and, if it differs, what `upper` writes. */
export function bothCases(write: (digits: (value: number, length: number) => string) => string): string[] {
  const lower = write((value, length) => value.toString(16).padStart(length, "0"));
  const upper = write((value, length) => value.toString(16).toUpperCase().padStart(length, "0"));
  return lower === upper ? [lower] : [lower, upper];
}

/** The character of a pattern at `index` and its length in bytes, or `undefined` where the bytes are no UTF-8. */
export function characterAt(pattern: Uint8Array, index: number): { codePoint: number; width: number } | undefined {
  const first = pattern[index] as number;
  const width = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (width === 0 || index + width > pattern.length) return undefined;
  const codePoint = decodeUtf8(pattern.subarray(index, index + width))?.codePointAt(0);
  return codePoint === undefined ? undefined : { codePoint, width };
}

/** The ways in which a unit of `width` bytes may be encoded. */
export const encodedUnits = (texts: readonly string[], width = 1): EncodedUnit[] => texts.map((text) => ({ text, width }));
