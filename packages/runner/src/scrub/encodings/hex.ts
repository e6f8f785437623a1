import { columnAfter, skipToNextLine } from "./dump-lines.js";
import { bothCases, readDigits, encodedUnits, type Encoding, type Text } from "./encoding.js";

const [NEWLINE, RETURN, SPACE, COMMA, MINUS, ZERO, COLON, LETTER_X] = [0x0a, 0x0d, 0x20, 0x2c, 0x2d, 0x30, 0x3a, 0x78];
const MAX_INDENT = 16;

/** Two hexadecimal digits a byte, as `xxd`, `od -tx1`, `hexdump -C` and programs write them: together, in groups, in lines, as a list. */
export const hex: Encoding = {
  encodes: "values and ends",
  gaps: [
    ["", "\n"],
    ["", "\r\n"],
    ["", " "],
    [" ", "  ", "\n "],
    [":", ":\n    "],
    ["-"],
    [",", ", "],
    [" 0x"],
    [",0x"],
    [", 0x", ",\n  0x"],
  ],
  read: (text, at, depth) => {
    const start = depth > 0 ? skipGap(text, at, depth) : at;
    if (start < 0) return start;
    const end = readDigits(text, start, 2, 16, take);
    return end < 0 ? end : text.one(end, text.number);
  },
  encode: (pattern, index) => encodedUnits(bothCases((hex) => hex(pattern[index] as number, 2))),
  close: columnAfter,
};

/** Words of two bytes, the second one first, as `hexdump` and `od -x` write them. */
export const hexWords: Encoding = {
  encodes: "values and ends",
  pairs: true,
  gaps: [[" ", "\n"]],
  read: (text, at, depth) => {
    const start = depth > 0 ? skipGap(text, at, depth) : at;
    if (start < 0) return start;
    const end = readDigits(text, start, 4, 16, take);
    if (end < 0) return end;
    text.unit[0] = text.number & 0xff;
    text.unit[1] = text.number >> 8;
    text.size = 2;
    return end;
  },
  encode: (pattern, index) => {
    const [first, second] = [pattern[index] as number, pattern[index + 1]];
    return second === undefined
      ? []
      : encodedUnits(
          bothCases((hex) => hex(second, 2) + hex(first, 2)),
          2,
        );
  },
};

const take = (text: Text, at: number): number => text.take(at);

function skipGap(text: Text, at: number, depth: number): number {
  const nextLine = skipToNextLine(text, at, depth, true);
  if (nextLine !== at) return nextLine;
  let next = [COLON, MINUS, COMMA].includes(text.byte(at)) ? at + 1 : at;
  while (next < at + MAX_INDENT && isSpace(text.byte(next))) next++;
  return next > at && text.byte(next) === ZERO && text.byte(next + 1) === LETTER_X ? next + 2 : next;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN;
}
