import type { Encoding } from "./encoding.js";
import { digitOf, NO_UNIT, UNDECIDED, type Text } from "./text.js";

const [TAB, NEWLINE, RETURN, SPACE, COMMA, MINUS, ZERO, COLON, LESS, GREATER, LETTER_X] = [
  0x09, 0x0a, 0x0d, 0x20, 0x2c, 0x2d, 0x30, 0x3a, 0x3c, 0x3e, 0x78,
];
/** `curl --trace` has four digits, gdb sixteen. */
const MIN_ADDRESS = 4;
const MAX_ADDRESS = 16;
/** The name of a variable behind an address of gdb's, `<buffer+16>`. */
const MAX_SYMBOL = 40;
/** The text of 32 bytes at the end of a line, with bars around it. */
const MAX_COLUMN = 34;
const MAX_COLUMN_OF_ONE_GROUP = 18;
/** What may be in a line between a byte and the column. */
const MAX_REST = 60;

/** What spans lines is found from the fourth byte on, behind so many characters that the filter has seen enough before. */
const MIN_DEPTH = 3;
const MIN_LENGTH = 6;

/** Whether a dump's line may end behind so many bytes of a value, written in so many characters. */
export function mayEndDumpLine(depth: number, length: number): boolean {
  return depth >= MIN_DEPTH && length >= MIN_LENGTH;
}

/**
 * Where the first unit of a dump's next line starts: from `at` on, which is behind a unit, there may be a column of text, and then there are a
 * line break and an address. `NO_UNIT` where it is none of that.
 */
export function nextDumpLine(text: Text, at: number, kind: NonNullable<Encoding["inDumps"]>): number {
  const lineEnd = kind === "with text" && isSpace(text.byte(at)) ? columnEnd(text, at, MAX_COLUMN) : at;
  if (lineEnd < 0) return lineEnd;
  const start = text.byte(lineEnd) === RETURN ? lineEnd + 1 : lineEnd;
  if (text.byte(start) !== NEWLINE) return text.byte(start) === UNDECIDED ? UNDECIDED : NO_UNIT;
  const address = skipAddress(text, skipSpaces(text, start + 1));
  return address < 0 || kind === "in columns" ? address : skipToUnit(text, address);
}

/** Behind `0000001f:`, `0x1f <name+8>:`, `001f -` or `001f`, if spaces follow. */
function skipAddress(text: Text, at: number): number {
  if (text.byte(at) === ZERO && text.byte(at + 1) === LETTER_X) at += 2;
  let next = at;
  while (next <= at + MAX_ADDRESS && digitOf(text.byte(next)) < 16) next++;
  if (text.byte(next) === UNDECIDED) return next > at + MAX_ADDRESS ? NO_UNIT : UNDECIDED;
  if (next - at < MIN_ADDRESS || next - at > MAX_ADDRESS) return NO_UNIT;
  if (text.byte(next) === SPACE && text.byte(next + 1) === LESS) {
    const end = next + MAX_SYMBOL;
    while (next < end && text.byte(next) > SPACE - 1 && text.byte(next) !== GREATER) next++;
    if (text.byte(next) !== GREATER) return text.byte(next) === UNDECIDED ? UNDECIDED : NO_UNIT;
    next++;
  }
  if (text.byte(next) === COLON) next++;
  else if (text.byte(next) === SPACE && text.byte(next + 1) === MINUS) next += 2;
  if (!isSpace(text.byte(next))) return text.byte(next) === UNDECIDED ? UNDECIDED : NO_UNIT;
  return next;
}

function skipToUnit(text: Text, at: number): number {
  const unit = skipSpaces(text, at);
  if (text.byte(unit) === UNDECIDED || (text.byte(unit) === ZERO && text.byte(unit + 1) === UNDECIDED)) return UNDECIDED;
  return text.byte(unit) === ZERO && text.byte(unit + 1) === LETTER_X ? unit + 2 : unit;
}

/**
 * Where a match from `start` to `at` ends: behind the column of text, if there is one at the end of its line. A column is two spaces away, or one where
 * the bytes themselves have spaces between them.
 */
export function columnAfter(text: Text, start: number, at: number): number {
  const [away, longest] = isInGroups(text, start, at) ? [1, MAX_COLUMN] : [2, MAX_COLUMN_OF_ONE_GROUP];
  let next = at;
  let spaces = 0;
  while (next < at + MAX_REST && (isSpace(text.byte(next)) || text.byte(next) === MINUS || digitOf(text.byte(next)) < 16)) {
    spaces = isSpace(text.byte(next)) ? spaces + 1 : 0;
    if (spaces >= away) {
      const end = columnEnd(text, next, longest);
      if (end !== NO_UNIT) return end;
    }
    next++;
  }
  return text.byte(next) === UNDECIDED && next < at + MAX_REST ? UNDECIDED : at;
}

function isInGroups(text: Text, start: number, end: number): boolean {
  let groups = false;
  for (let at = start; at < end; at++) {
    if (text.byte(at) === COMMA) return false;
    groups ||= isSpace(text.byte(at));
  }
  return groups;
}

/** The line's end, if from `at` on there are spaces and then no more than a column of text; else `NO_UNIT` or `UNDECIDED`. */
function columnEnd(text: Text, at: number, longest: number): number {
  at = skipSpaces(text, at);
  const furthest = at + longest;
  while (at <= furthest) {
    const byte = text.byte(at);
    if (byte === NEWLINE || byte === RETURN || byte === NO_UNIT) return at;
    if (byte === UNDECIDED) return UNDECIDED;
    if (byte < SPACE || byte === 0x7f) return NO_UNIT;
    at++;
  }
  return NO_UNIT;
}

function skipSpaces(text: Text, at: number): number {
  const furthest = at + MAX_REST;
  while (at < furthest && isSpace(text.byte(at))) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
