import { NO_GAP, encodedUnits, type Encoding } from "./encoding.js";

/** The bytes as they are. */
export const raw: Encoding = {
  encodes: "values",
  gaps: NO_GAP,
  read: (text, at) => text.take(at),
  encode: (pattern, index) => encodedUnits([String.fromCharCode(pattern[index] as number)]),
};
