import {
  bothCases,
  characterAt,
  NO_GAP,
  NO_UNIT,
  readDigits,
  digitOf,
  type Encoding,
  type Read,
  type EncodedUnit,
  type Text,
} from "./encoding.js";

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const [OPEN, CLOSE] = [0x7b, 0x7d];
const LETTER_X = 0x78;
const LETTER_U = 0x75;
const UPPER_U = 0x55;
const ZERO = 0x30;
const LETTERS = new Map(
  Array.from("abfnrtveE", (letter, index) => [letter.charCodeAt(0), [7, 8, 12, 10, 13, 9, 11, 27, 27][index] as number]),
);

/**
 * Escapes with a backslash, as JSON, JavaScript, Python, C, Rust and shells write them, of any characters: `\n`, `\"`, `\/`, `\u00e9`,
 * `\u{e9}`, `\U000000e9`, `\xe9` (as a character or a byte), `\351`, and a backslash before any other character.
 * @param level 1 for JSON, 2 for JSON in JSON.
 */
export function backslash(level: number): Encoding {
  return {
    encodes: "values",
    delimiters: "\\",
    gaps: NO_GAP,
    read: (text, at) => read(text, at, level),
    encode: (pattern, index) => {
      let alternatives = escapes(pattern, index);
      for (let inner = 1; inner < level; inner++) alternatives = alternatives.flatMap(escapedAgain);
      return alternatives;
    },
  };
}

function read(text: Text, at: number, level: number): number {
  if (level === 0) return text.take(at);
  const inner: Read = (text, at) => read(text, at, level - 1);
  const next = inner(text, at);
  if (next < 0 || !text.is(BACKSLASH)) return next;
  const after = inner(text, next);
  if (after < 0 || text.size > 1) return after;
  const letter = text.unit[0] as number;
  switch (letter) {
    case LETTER_X:
      return character(text, readDigits(text, after, 2, 16, inner), true);
    case LETTER_U:
      return readU(text, after, inner);
    case UPPER_U:
      return character(text, readDigits(text, after, 8, 16, inner));
    case ZERO:
    case ZERO + 1:
    case ZERO + 2:
    case ZERO + 3: {
      const end = readDigits(text, next, 3, 8, inner);
      if (end !== NO_UNIT) return character(text, end, true);
      return text.one(after, letter === ZERO ? 0 : letter);
    }
    default:
      return text.one(after, LETTERS.get(letter) ?? letter);
  }
}

/** `\uXXXX`, two of them for a character beyond, or `\u{...}`; `at` is behind the `u`. */
function readU(text: Text, at: number, inner: Read): number {
  const open = inner(text, at);
  if (open < 0) return open;
  if (text.is(OPEN)) return readBraced(text, open, inner);
  const end = readDigits(text, at, 4, 16, inner);
  if (end < 0) return end;
  const high = text.number;
  if (high < 0xd800 || high >= 0xdc00) return character(text, end);
  let next = end;
  for (const expected of [BACKSLASH, LETTER_U]) {
    next = inner(text, next);
    if (next < 0) return next;
    if (!text.is(expected)) return NO_UNIT;
  }
  const last = readDigits(text, next, 4, 16, inner);
  if (last < 0) return last;
  return text.number < 0xdc00 ? NO_UNIT : text.character(last, 0x10000 + ((high - 0xd800) << 10) + (text.number - 0xdc00));
}

function readBraced(text: Text, at: number, inner: Read): number {
  let value = 0;
  for (let count = 0; count <= 6; count++) {
    at = inner(text, at);
    if (at < 0) return at;
    if (text.is(CLOSE)) return text.character(at, value);
    value = value * 16 + digitOf(text.unit[0] as number);
  }
  return NO_UNIT;
}

/** @param orByte whether the number may be that of a byte as well. */
function character(text: Text, end: number, orByte = false): number {
  if (end < 0) return end;
  return text.character(end, text.number, orByte && text.number >= 0x80 && text.number < 0x100 ? text.number : -1);
}

function escapes(pattern: Uint8Array, index: number): EncodedUnit[] {
  const byte = pattern[index] as number;
  const texts = [...bothCases((hex) => `\\x${hex(byte, 2)}`), `\\${byte.toString(8).padStart(3, "0")}`];
  const itself = String.fromCharCode(byte);
  if (byte !== BACKSLASH) texts.push(itself);
  if (byte < 0x80 && !/[A-Za-z0-9]/.test(itself)) texts.push(`\\${itself}`);
  if (byte === 0) texts.push("\\0");
  for (const [letter, meaning] of LETTERS) if (meaning === byte) texts.push(`\\${String.fromCharCode(letter)}`);
  const alternatives = texts.map((text) => ({ text, width: 1 }));
  const found = characterAt(pattern, index);
  if (found === undefined) return alternatives;
  const { codePoint, width } = found;
  const units = String.fromCodePoint(codePoint)
    .split("")
    .map((unit) => unit.charCodeAt(0));
  for (const text of [
    ...bothCases((hex) => units.map((unit) => `\\u${hex(unit, 4)}`).join("")),
    ...bothCases((hex) => `\\u{${hex(codePoint, 1)}}`),
    ...bothCases((hex) => `\\U${hex(codePoint, 8)}`),
    ...(codePoint >= 0x80 && codePoint < 0x100 ? bothCases((hex) => `\\x${hex(codePoint, 2)}`) : []),
  ])
    alternatives.push({ text, width });
  return alternatives;
}

function escapedAgain({ text, width }: EncodedUnit): EncodedUnit[] {
  const escaped = text.replaceAll("\\", "\\\\");
  const quote = String.fromCharCode(QUOTE);
  return (escaped.includes(quote) ? [escaped, escaped.replaceAll(quote, `\\${quote}`)] : [escaped]).map((text) => ({ text, width }));
}
