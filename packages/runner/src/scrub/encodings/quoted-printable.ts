import { hexByte, itself, spelled, spelledInAnyCase, type Encoding } from "./encoding.js";

const SPACE = 0x20;

/** Mail: `=3D` for bytes that need it or for all, lines broken after a `=`, and `_` for a space in headers (RFC 2045, RFC 2047). */
export const quotedPrintable: Encoding = {
  encodes: "values",
  gap: [[["", "=\n", "=\r\n"]]],
  spellings: (pattern, index) => {
    const byte = pattern[index] as number;
    return [...itself(byte, "="), ...spelledInAnyCase([`=${hexByte(byte)}`]), ...(byte === SPACE ? spelled(["_"]) : [])];
  },
};
