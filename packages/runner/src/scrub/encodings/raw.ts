import { itself, type Encoding } from "./encoding.js";

/** The bytes as they are. */
export const raw: Encoding = {
  encodes: "values",
  spellings: (pattern, index) => itself(pattern[index] as number),
};
