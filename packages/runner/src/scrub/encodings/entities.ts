import { bothCases, characterAt, digitOf, NO_GAP, encodedUnits, UNDECIDED, type Encoding, type Text } from "./encoding.js";

const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;
const MAX_ENTITY_LENGTH = 10;
const NAMES = new Map([
  ["amp", 0x26],
  ["lt", 0x3c],
  ["gt", 0x3e],
  ["quot", 0x22],
  ["apos", 0x27],
]);

/** HTML and XML: `&amp;` and its like, and numbers (`&#39;`, `&#x27;`) for any character. */
export const entities: Encoding = {
  encodes: "values",
  delimiters: "&",
  gaps: NO_GAP,
  read: (text, at) => {
    const byte = text.byte(at);
    return byte === AMPERSAND ? readEntity(text, at) : text.take(at);
  },
  encode: (pattern, index) => {
    const alternatives = encodedUnits([String.fromCharCode(pattern[index] as number)]);
    const found = characterAt(pattern, index);
    if (found === undefined) return alternatives;
    const { codePoint, width } = found;
    const named = [...NAMES].filter(([, meaning]) => meaning === codePoint).map(([name]) => `&${name};`);
    const decimal = [`&#${codePoint};`, `&#0${codePoint};`];
    const hexadecimal = ["x", "X", "x0"].flatMap((x) => bothCases((hex) => `&#${x}${hex(codePoint, 1)};`));
    return [...alternatives, ...encodedUnits([...named, ...decimal, ...hexadecimal], width)];
  },
};

function readEntity(text: Text, at: number): number {
  let name = "";
  for (let index = at + 1; index <= at + MAX_ENTITY_LENGTH; index++) {
    const byte = text.byte(index);
    if (byte === UNDECIDED) return UNDECIDED;
    if (byte === SEMICOLON) return named(text, index + 1, name) ?? text.take(at);
    if (byte !== 0x23 && byte !== 0x78 && byte !== 0x58 && digitOf(byte) === 99 && !/[a-z]/.test(String.fromCharCode(byte))) break;
    name += String.fromCharCode(byte);
  }
  return text.take(at);
}

function named(text: Text, next: number, name: string): number | undefined {
  const known = NAMES.get(name);
  if (known !== undefined) return text.one(next, known);
  const number = /^#(?:(\d{1,8})|[xX]([0-9a-fA-F]{1,7}))$/.exec(name);
  return number === null
    ? undefined
    : text.character(next, number[1] === undefined ? parseInt(number[2] as string, 16) : Number(number[1]));
}
