import { hexByte, itself, spelled, spelledInAnyCase, type Encoding } from "./encoding.js";

const SPACE = 0x20;

/**
 * Mail: `=3D` for bytes that need it or for all, lines broken after a `=`, and `_` for a space in headers (RFC 2045, RFC 2047). Where a line is broken
 * at the width of the terminal, the `=` alone is left of its end.
 */
export const quotedPrintable: Encoding = {
  encodes: "values",
  gap: [[["", "=\n", "=\r\n"]]],
  spellings: (pattern, index) => {
    const byte = pattern[index] as number;
    const own = [...itself(byte, "="), ...spelledInAnyCase([`=${hexByte(byte)}`]), ...(byte === SPACE ? spelled(["_"]) : [])];
    return index === 0 ? own : [...own, ...own.map((spelling) => ({ ...spelling, text: `=${spelling.text}` }))];
  },
};
