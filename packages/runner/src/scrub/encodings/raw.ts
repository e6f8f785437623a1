import { NO_GAP, spelled, type Encoding } from "./encoding.js";

/** The bytes as they are. */
export const raw: Encoding = {
  spells: "values",
  gaps: NO_GAP,
  read: (text, at) => text.take(at),
  spell: (pattern, index) => spelled([String.fromCharCode(pattern[index] as number)]),
};
