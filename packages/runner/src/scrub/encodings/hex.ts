import { hexByte, spelled, type Encoding, type Spelling } from "./encoding.js";
import { INDENTATIONS, type Gap } from "./gap.js";

const LINE_BREAK = ["\n", "\r\n"];
const SEPARATOR = ["", ",", ":", "-"];
/** Between the halves of a line there may be several. */
const SPACES = { many: " " };

/** Bytes together, in groups, in lines with any indentation, as a list, with or without quotes around each. */
const gapBefore = (prefix: readonly string[]): Gap => [
  [SEPARATOR, SPACES, prefix],
  [["\t"], prefix],
  ...INDENTATIONS.map((indentation) => [[...SEPARATOR, " ", ", "], LINE_BREAK, indentation, prefix]),
  [["', '", '", "', "','", '","'], prefix],
  ...INDENTATIONS.map((indentation) => [["',", '",'], LINE_BREAK, indentation, ["'", '"'], prefix]),
];
const WORD_GAP: Gap = [
  [SPACES, ["", "0x"]],
  [["\t"], ["", "0x"]],
  ...INDENTATIONS.map((indentation) => [["", " "], LINE_BREAK, indentation, ["", "0x"]]),
  [[", "], ["0x"]],
];

/** Two hexadecimal digits a byte, as `xxd`, `od -tx1`, `hexdump -C` and programs write them. */
export const hex: Encoding = {
  encodes: "values and ends",
  inDumps: "with text",
  gap: gapBefore(["", "0x", "\\x"]),
  spellings: (pattern, index) => [{ text: hexByte(pattern[index] as number), width: 1, anyCase: true }],
};

/** Three octal digits a byte, as `od -b` and `hexdump -b` write them, or as few as `0o163` needs. */
export const octal: Encoding = {
  encodes: "values and ends",
  inDumps: "without text",
  notBefore: "01234567",
  gap: gapBefore([""]),
  spellings: (pattern, index) => digitsOf(pattern[index] as number, 8, 3, "0o"),
};

/** Eight binary digits a byte, as `xxd -b` writes them, or as few as `0b1110011` needs. */
export const binary: Encoding = {
  encodes: "values and ends",
  inDumps: "with text",
  notBefore: "01",
  gap: gapBefore([""]),
  spellings: (pattern, index) => digitsOf(pattern[index] as number, 2, 8, "0b"),
};

/**
 * Words of several bytes with the last byte first, as `hexdump`, `od -x`, `xxd -e` and gdb's `x/xw` write them on most machines.
 * @param size of a word in bytes.
 */
export function hexWords(size: number): Encoding {
  return {
    encodes: "values and ends",
    inDumps: "with text",
    sees: size,
    maxLost: size - 1,
    gap: WORD_GAP,
    spellings: (pattern, index): Spelling[] => {
      const width = Math.min(size, pattern.length - index);
      const others = size - width;
      // A word that starts the match shows nothing before it, so one that the value fills in part only is the last one.
      if (index === 0 && others > 0) return [];
      const digits = Array.from(pattern.subarray(index, index + width), hexByte)
        .toReversed()
        .join("");
      // The last word of a dump may be shorter.
      return Array.from({ length: others + 1 }, (_, count) => ({
        text: "00".repeat(others - count) + digits,
        width,
        anyCase: true,
        wild: 2 * (others - count),
      }));
    },
  };
}

/** Words of two bytes with the last byte first, in six octal digits, as `od` writes them unless told otherwise. */
export const octalWords: Encoding = {
  encodes: "values and ends",
  inDumps: "without text",
  sees: 2,
  maxLost: 1,
  gap: WORD_GAP,
  spellings: (pattern, index): Spelling[] => {
    const [low, high] = [pattern[index] as number, pattern[index + 1]];
    const word = (byte: number) => (low | (byte << 8)).toString(8).padStart(6, "0");
    if (high !== undefined) return spelled([word(high)], 2);
    if (index === 0) return [];
    // The other byte of the last word: its own lowest bit is in the third digit from the end.
    return [0, 1].map((bit) => ({ text: word(bit), width: 1, wild: 3 }));
  },
};

function digitsOf(byte: number, base: number, length: number, prefix: string): Spelling[] {
  const digits = byte.toString(base);
  const padded = digits.padStart(length, "0");
  return spelled([padded, ...new Set([prefix + padded, prefix + digits])]);
}
