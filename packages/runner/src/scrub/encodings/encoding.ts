import { decodeUtf8 } from "@agent-vault/vault/read-only";
import type { Gap } from "./gap.js";

/**
 * A way in which programs write bytes: how each unit of a pattern may be spelled, and what may stand between two units. Both are data. The matcher
 * compares text with the spellings, and the filter lists what may stand at the start of a match from the same spellings, so neither knows
 * of a spelling that the other does not.
 */
export interface Encoding {
  /** What its units spell: the values, the values and what is left of them after their first bytes, or their base64 text. */
  readonly encodes: "values" | "values and ends" | "base64";
  /** How the unit at `index` of a pattern may be spelled. It depends on no more than the next {@link sees} bytes. */
  spellings(pattern: Uint8Array, index: number): readonly Spelling[];
  /** How many bytes of the pattern a spelling depends on; 1 unless given, and 4 for all that is not ASCII. */
  readonly sees?: number;
  /** How many bytes at the start of a value a dump may show in another way, or not at all with the rest; 3 unless given. */
  readonly maxLost?: number;
  /** What stands between two units; nothing unless given. */
  readonly gap?: Gap;
  /**
   * Whether it is written in dumps, which have lines with an address before the bytes: with a column of text behind the bytes, without one, or with
   * the bytes in columns of a fixed width that begin right behind the address.
   */
  readonly inDumps?: "with text" | "without text" | "in columns";
  /** Bytes of which none may follow the last unit, such as further digits of a number. */
  readonly notBefore?: string;
}

/** One way to write the next bytes of a pattern. */
export interface Spelling {
  /** In latin1. */
  readonly text: string;
  /** How many bytes of the pattern it writes. */
  readonly width: number;
  /** Whether its letters are hexadecimal digits and the like, which may be in either case. */
  readonly anyCase?: true;
  /** So many characters at the start of `text` show other bytes than the pattern's: any hexadecimal digits are right. */
  readonly wild?: number;
}

/** The character of a pattern at `index` and its length in bytes, or `undefined` where the bytes are no UTF-8. */
export function characterAt(pattern: Uint8Array, index: number): { codePoint: number; width: number } | undefined {
  const first = pattern[index] as number;
  const width = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (width === 0 || index + width > pattern.length) return undefined;
  const codePoint = decodeUtf8(pattern.subarray(index, index + width))?.codePointAt(0);
  return codePoint === undefined ? undefined : { codePoint, width };
}

/** The byte as it is, where it is none of `except`. */
export function itself(byte: number, except = ""): Spelling[] {
  const text = String.fromCharCode(byte);
  return except.includes(text) ? [] : [{ text, width: 1 }];
}

/** The ways in which a unit of `width` bytes may be spelled. */
export const spelled = (texts: readonly string[], width = 1): Spelling[] => texts.map((text) => ({ text, width }));

/** As {@link spelled}, for texts whose letters may be in either case. */
export const spelledInAnyCase = (texts: readonly string[], width = 1): Spelling[] => texts.map((text) => ({ text, width, anyCase: true }));

/** Two hexadecimal digits. */
export const hexByte = (byte: number): string => byte.toString(16).padStart(2, "0");
