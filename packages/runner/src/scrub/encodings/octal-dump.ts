import { itself, spelled, type Encoding } from "./encoding.js";

const COLUMN = 4;
const ESCAPES = new Map(Array.from("0abtnvfr", (letter, index) => [index === 0 ? 0 : index + 6, `\\${letter}`]));

/** Characters in columns of four, as `od -c` and `hexdump -c` write them: `   s   e  \n 303`. */
export const octalDump: Encoding = {
  encodes: "values and ends",
  inDumps: "in columns",
  spellings: (pattern, index) => {
    const cell = cellText(pattern[index] as number);
    return spelled([index === 0 ? cell : cell.padStart(COLUMN)]);
  },
};

function cellText(byte: number): string {
  return ESCAPES.get(byte) ?? (byte >= 0x20 && byte < 0x7f ? (itself(byte)[0]?.text ?? "") : byte.toString(8).padStart(3, "0"));
}
