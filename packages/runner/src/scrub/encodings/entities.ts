import { characterAt, itself, spelled, spelledInAnyCase, type Encoding } from "./encoding.js";

const NAMES = new Map([
  [0x26, "amp"],
  [0x3c, "lt"],
  [0x3e, "gt"],
  [0x22, "quot"],
  [0x27, "apos"],
]);
const ZEROS = ["", "0", "00", "000", "0000", "00000"];

/** HTML and XML: `&amp;` and its like, and numbers (`&#39;`, `&#x27;`) for any character. */
export const entities: Encoding = {
  encodes: "values",
  spellings: (pattern, index) => {
    const alternatives = itself(pattern[index] as number);
    const found = characterAt(pattern, index);
    if (found === undefined) return alternatives;
    const { codePoint, width } = found;
    const name = NAMES.get(codePoint);
    return [
      ...alternatives,
      ...spelled([...(name === undefined ? [] : [`&${name};`]), ...ZEROS.map((zeros) => `&#${zeros}${codePoint};`)], width),
      ...spelledInAnyCase(
        ZEROS.map((zeros) => `&#x${zeros}${codePoint.toString(16)};`),
        width,
      ),
    ];
  },
};
