import { digitOf, NO_UNIT, encodedUnits, UNDECIDED, type Encoding, type Text } from "./encoding.js";

const [NEWLINE, SPACE, COMMA] = [0x0a, 0x20, 0x2c];
const MAX_INDENT = 16;

/** A list of bytes as decimal numbers, as programs show a buffer: `[115, 101]`. */
export const decimal: Encoding = {
  encodes: "values",
  gaps: [[","], [", ", ",\n  "], [" ", "  ", "\n"], [",\n"]],
  read: (text, at, depth) => {
    const start = depth > 0 ? skipSeparator(text, at) : at;
    return start < 0 ? start : readNumber(text, start);
  },
  encode: (pattern, index) => encodedUnits([String(pattern[index])]),
};

function skipSeparator(text: Text, at: number): number {
  let next = text.byte(at) === COMMA ? at + 1 : at;
  while (next < at + MAX_INDENT && (text.byte(next) === SPACE || text.byte(next) === NEWLINE)) next++;
  if (next === at) return text.byte(at) === UNDECIDED ? UNDECIDED : NO_UNIT;
  return next;
}

function readNumber(text: Text, at: number): number {
  let value = 0;
  let next = at;
  while (next < at + 3 && digitOf(text.byte(next)) < 10) value = value * 10 + digitOf(text.byte(next++));
  if (next < at + 3 && text.byte(next) === UNDECIDED) return UNDECIDED;
  return next === at || value > 0xff ? NO_UNIT : text.one(next, value);
}
