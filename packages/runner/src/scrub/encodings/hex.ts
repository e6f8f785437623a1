import { hexByte, type Encoding, type Spelling } from "./encoding.js";
import type { Gap } from "./gap.js";

const [SPACES, TABS] = [{ many: " " }, { many: "\t" }];
const LINE_BREAK = ["\n", "\r\n"];
const SEPARATOR = ["", ",", ":", "-"];
const PREFIX = ["", "0x", "\\x"];

/** Bytes together, in groups, in lines with any indentation, as a list, with or without `0x` before each one and quotes around it. */
const GAP: Gap = [
  [SEPARATOR, SPACES, PREFIX],
  [["\t"], PREFIX],
  [SEPARATOR, ["", " "], LINE_BREAK, TABS, SPACES, PREFIX],
  [["', '", '", "', "','", '","'], PREFIX],
  [["',", '",'], LINE_BREAK, TABS, SPACES, ["'", '"'], PREFIX],
];
const WORD_GAP: Gap = [
  [SPACES, ["", "0x"]],
  [["\t"], ["", "0x"]],
  [["", " "], LINE_BREAK, TABS, SPACES, ["", "0x"]],
  [[", "], ["0x"]],
];

/** Two hexadecimal digits a byte, as `xxd`, `od -tx1`, `hexdump -C` and programs write them. */
export const hex: Encoding = {
  encodes: "values and ends",
  inDumps: "with text",
  gap: GAP,
  spellings: (pattern, index) => [{ text: hexByte(pattern[index] as number), width: 1, anyCase: true }],
};

/**
 * Words of several bytes with the last byte first, as `hexdump`, `od -x` and gdb's `x/xw` write them on most machines.
 * @param size of a word in bytes.
 */
export function hexWords(size: number): Encoding {
  return {
    encodes: "values and ends",
    inDumps: "with text",
    sees: size,
    gap: WORD_GAP,
    spellings: (pattern, index): Spelling[] => {
      const width = Math.min(size, pattern.length - index);
      const others = size - width;
      // A word that starts the match shows nothing before it, so one that the value fills in part only is the last one.
      if (index === 0 && others > 0) return [];
      const digits = Array.from(pattern.subarray(index, index + width), hexByte)
        .toReversed()
        .join("");
      return [{ text: "00".repeat(others) + digits, width, anyCase: true, wild: 2 * others }];
    },
  };
}
