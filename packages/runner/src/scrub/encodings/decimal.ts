import { spelled, type Encoding } from "./encoding.js";
import { INDENTATIONS, type Gap } from "./gap.js";

/** Numbers in a list, in columns, or in lines with any indentation. */
const GAP: Gap = [
  [[",", ";", ""], [" "], { many: " " }],
  [[",", ";", "\t"]],
  ...INDENTATIONS.map((indentation) => [[",", ";", "", ", ", " "], ["\n", "\r\n"], indentation]),
];

/** A list of bytes as decimal numbers, as programs show a buffer: `[115, 101]`, with a sign where a byte has one. */
export const decimal: Encoding = {
  encodes: "values and ends",
  inDumps: "without text",
  notBefore: "0123456789",
  gap: GAP,
  spellings: (pattern, index) => {
    const byte = pattern[index] as number;
    const numbers = byte < 0x80 ? [String(byte)] : [String(byte), String(byte - 0x100)];
    return spelled([...new Set([...numbers, String(byte).padStart(3, "0")])]);
  },
};

/** `115 's', 101 'e'`, as gdb prints an array of characters of C. */
export const gdbCharacters: Encoding = {
  encodes: "values and ends",
  inDumps: "without text",
  gap: GAP,
  spellings: (pattern, index) => {
    const byte = pattern[index] as number;
    return spelled(characters(byte).map((text) => `${byte} '${text}'`));
  },
};

/** How gdb shows a byte as a character of C. */
function characters(byte: number): string[] {
  const letter = LETTERS[byte];
  if (letter !== undefined) return [`\\${letter}`];
  return byte >= 0x20 && byte < 0x7f ? [String.fromCharCode(byte)] : [`\\${byte.toString(8).padStart(3, "0")}`];
}

const LETTERS: Partial<Record<number, string>> = {
  7: "a",
  8: "b",
  9: "t",
  10: "n",
  11: "v",
  12: "f",
  13: "r",
  27: "033",
  39: "'",
  92: "\\",
};
