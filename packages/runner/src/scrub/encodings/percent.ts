import { hexByte, itself, spelled, spelledInAnyCase, type Encoding } from "./encoding.js";

const SPACE = 0x20;

/**
 * URL percent encoding of any bytes, those that need it or all, with `+` for a space or for itself.
 * @param level how many times over the text was encoded.
 */
export function percent(level: number): Encoding {
  const sign = `%${"25".repeat(level - 1)}`;
  return {
    encodes: "values",
    spellings: (pattern, index) => {
      const byte = pattern[index] as number;
      return [
        ...itself(byte, "%"),
        ...spelledInAnyCase([`${sign}${hexByte(byte)}`]),
        ...(byte === SPACE ? [...spelled(["+"]), ...spelledInAnyCase(level > 1 ? ["%2b"] : [])] : []),
      ];
    },
  };
}
