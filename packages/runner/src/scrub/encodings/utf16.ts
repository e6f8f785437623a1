import { characterAt, spelled, type Encoding } from "./encoding.js";

/** Two bytes a character, as programs of Windows write it. @param isBigEndian whether the higher one is first */
export function utf16(isBigEndian: boolean): Encoding {
  return {
    encodes: "values",
    spellings: (pattern, index) => {
      const found = characterAt(pattern, index);
      if (found === undefined) return [];
      const text = Buffer.from(String.fromCodePoint(found.codePoint), "utf16le");
      return spelled([(isBigEndian ? text.swap16() : text).toString("latin1")], found.width);
    },
  };
}
