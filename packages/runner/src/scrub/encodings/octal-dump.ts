import { skipToNextLine } from "./dump-lines.js";
import { digitOf, NO_GAP, NO_UNIT, readDigits, encodedUnits, UNDECIDED, type Encoding, type Text } from "./encoding.js";

const [SPACE, BACKSLASH] = [0x20, 0x5c];
const COLUMN = 4;
const ESCAPES = new Map(Array.from("0abtnvfr", (letter, index) => [letter.charCodeAt(0), index === 0 ? 0 : index + 6]));

/** Characters in columns of four, as `od -c` and `hexdump -c` write them: `   s   e  \n 303`. */
export const octalDump: Encoding = {
  encodes: "values and ends",
  gaps: NO_GAP,
  read: (text, at, depth) => (depth === 0 ? readCell(text, at) : readColumn(text, at, depth)),
  encode: (pattern, index) => {
    const cell = cellText(pattern[index] as number);
    return encodedUnits([index === 0 ? cell : cell.padStart(COLUMN)]);
  },
};

function readColumn(text: Text, at: number, depth: number): number {
  const start = skipToNextLine(text, at, depth, false);
  if (start < 0) return start;
  // The spaces before the first column of a line are skipped with the address.
  if (start > at) return readCell(text, start);
  for (let index = 0; index < COLUMN - 1; index++) {
    const byte = text.byte(at + index);
    if (byte === UNDECIDED || (byte !== SPACE && index === 0)) return byte === UNDECIDED ? UNDECIDED : NO_UNIT;
    if (byte !== SPACE) return readCell(text, at + index);
  }
  return text.take(at + COLUMN - 1);
}

function readCell(text: Text, at: number): number {
  const byte = text.byte(at);
  const second = text.byte(at + 1);
  if (byte >= 0 && second === UNDECIDED) return UNDECIDED;
  const escaped = byte === BACKSLASH ? ESCAPES.get(second) : undefined;
  if (escaped !== undefined) return text.one(at + 2, escaped);
  if (digitOf(byte) < 4 && digitOf(second) < 8) {
    const end = readDigits(text, at, 3, 8, (text, at) => text.take(at));
    return end < 0 ? end : text.one(end, text.number);
  }
  return text.take(at);
}

function cellText(byte: number): string {
  const escape = [...ESCAPES].find(([, meaning]) => meaning === byte)?.[0];
  if (escape !== undefined) return `\\${String.fromCharCode(escape)}`;
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte.toString(8).padStart(3, "0");
}
