import { itself, spelled, type Encoding } from "./encoding.js";

const COLUMN = 4;
const ESCAPES = new Map(Array.from("0abtnvfr", (letter, index) => [index === 0 ? 0 : index + 6, `\\${letter}`]));

/** Of characters that do not show, in `od -a`. */
const NAMES: Partial<Record<number, string>> = {
  0: "nul",
  9: "ht",
  10: "nl",
  11: "vt",
  12: "ff",
  13: "cr",
  27: "esc",
  32: "sp",
  127: "del",
};

/**
 * Characters in columns of four, as `od -c` and `hexdump -c` write them: `   s   e  \n 303`.
 * @param named whether those that do not show have names, as in `od -a`: ` nl`
 */
export function octalDump(named: boolean): Encoding {
  return {
    encodes: "values and ends",
    inDumps: "in columns",
    spellings: (pattern, index) => {
      const byte = pattern[index] as number;
      const cell = (named ? NAMES[byte] : undefined) ?? cellText(byte);
      return spelled([index === 0 ? cell : cell.padStart(COLUMN)]);
    },
  };
}

function cellText(byte: number): string {
  return ESCAPES.get(byte) ?? (byte >= 0x20 && byte < 0x7f ? (itself(byte)[0]?.text ?? "") : byte.toString(8).padStart(3, "0"));
}
