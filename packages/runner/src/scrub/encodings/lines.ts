import { itself, type Encoding } from "./encoding.js";
import { INDENTATIONS } from "./gap.js";

/** The bytes as they are, in lines that a program broke at some width, with any indentation. */
export const lines: Encoding = {
  encodes: "values",
  gap: [[[""]], ...INDENTATIONS.map((indentation) => [["\n", "\r\n"], indentation])],
  spellings: (pattern, index) => itself(pattern[index] as number),
};
