import { digitOf, NO_UNIT, UNDECIDED, type Text } from "./encoding.js";

const [NEWLINE, SPACE, COLON] = [0x0a, 0x20, 0x3a];
const MIN_ADDRESS = 7;
const MAX_ADDRESS = 16;
/** The text at the end of a line of `xxd` or `hexdump -C`, with its bars. */
const MAX_COLUMN = 18;
/** What may stand in a line between a byte and the column. */
const MAX_REST = 60;
/** So many bytes at least stand in the first 7 characters of a dump: what spans lines is found from the fourth byte on. */
const MIN_DEPTH = 3;

/**
 * Where the next unit of a dump starts after a line's end: `at` is behind a unit, and what follows is a line break and an address.
 * `at` itself where it is none of that.
 * @param column whether a column of text may stand before the line break.
 */
export function skipToNextLine(text: Text, at: number, depth: number, column: boolean): number {
  if (depth < MIN_DEPTH) return at;
  const lineEnd = column && text.byte(at) === SPACE && text.byte(at + 1) === SPACE ? columnEnd(text, at) : at;
  if (lineEnd === UNDECIDED) return UNDECIDED;
  if (lineEnd === NO_UNIT || text.byte(lineEnd) !== NEWLINE) return at;
  let next = lineEnd + 1;
  while (next <= lineEnd + MAX_ADDRESS + 1 && digitOf(text.byte(next)) < 16) next++;
  const digits = next - lineEnd - 1;
  if (digits > MAX_ADDRESS) return at;
  if (text.byte(next) === UNDECIDED) return UNDECIDED;
  if (digits < MIN_ADDRESS) return at;
  if (text.byte(next) === COLON) next++;
  if (text.byte(next) !== SPACE) return text.byte(next) === UNDECIDED ? UNDECIDED : at;
  while (text.byte(next) === SPACE && next < lineEnd + MAX_REST) next++;
  return next;
}

/** Where a match ends whose last byte ends at `at`: behind the column of text, if there is one at the end of its line. */
export function columnAfter(text: Text, at: number): number {
  let next = at;
  let spaces = 0;
  while (next < at + MAX_REST && (text.byte(next) === SPACE || digitOf(text.byte(next)) < 16)) {
    spaces = text.byte(next) === SPACE ? spaces + 1 : 0;
    if (spaces >= 2) {
      const end = columnEnd(text, next - 1);
      if (end !== NO_UNIT) return end;
    }
    next++;
  }
  return text.byte(next) === UNDECIDED ? UNDECIDED : at;
}

/** The line's end, if from `at` on there are spaces and then no more than a column of text; else `NO_UNIT` or `UNDECIDED`. */
function columnEnd(text: Text, at: number): number {
  const furthest = at + MAX_REST;
  while (text.byte(at) === SPACE && at < furthest) at++;
  const longest = at + MAX_COLUMN;
  while (at <= longest) {
    const byte = text.byte(at);
    if (byte === NEWLINE || byte === NO_UNIT) return at;
    if (byte === UNDECIDED) return UNDECIDED;
    if (byte < SPACE || byte > 0x7e) return NO_UNIT;
    at++;
  }
  return NO_UNIT;
}
