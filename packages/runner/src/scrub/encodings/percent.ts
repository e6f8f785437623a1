import { bothCases, NO_GAP, readDigits, encodedUnits, type Encoding, type Text } from "./encoding.js";

const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

/**
 * URL percent encoding of any bytes, those that need it or all, with `+` for a space or for itself.
 * @param level how many times over the text was encoded.
 */
export function percent(level: number): Encoding {
  return {
    encodes: "values",
    delimiters: "%+",
    gaps: NO_GAP,
    read: (text, at) => read(text, at, level),
    encode: (pattern, index) => {
      const byte = pattern[index] as number;
      const texts = bothCases((hex) => `%${"25".repeat(level - 1)}${hex(byte, 2)}`);
      if (byte !== PERCENT) texts.push(String.fromCharCode(byte));
      if (byte === SPACE) texts.push("+");
      return encodedUnits(texts);
    },
  };
}

function read(text: Text, at: number, level: number): number {
  if (level === 0) return text.take(at);
  const next = read(text, at, level - 1);
  if (next < 0) return next;
  if (text.is(PLUS)) return text.one(next, PLUS, SPACE);
  if (!text.is(PERCENT)) return next;
  const end = readDigits(text, next, 2, 16, (text, at) => read(text, at, level - 1));
  return end < 0 ? end : text.one(end, text.number);
}
