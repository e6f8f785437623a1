import { characterAt, hexByte, itself, spelled, spelledInAnyCase, type Encoding, type Spelling } from "./encoding.js";

const LETTERS = new Map(Array.from("abfnrtveE", (letter, index) => [letter, [7, 8, 12, 10, 13, 9, 11, 27, 27][index] as number]));

/**
 * Escapes with a backslash, as JSON, JavaScript, Python, C, Rust and shells write them, of any characters: `\n`, `\"`, `\/`, `\u00e9`,
 * `\u{e9}`, `\U000000e9`, `\xe9` (as a character or a byte), `\351`, and a backslash before any other character.
 * @param level 1 for JSON, 2 for JSON in JSON.
 */
export function backslash(level: number): Encoding {
  return {
    encodes: "values",
    spellings: (pattern, index) => {
      let alternatives = escapes(pattern, index);
      for (let inner = 1; inner < level; inner++) alternatives = alternatives.flatMap(escapedAgain);
      return alternatives;
    },
  };
}

function escapes(pattern: Uint8Array, index: number): Spelling[] {
  const byte = pattern[index] as number;
  const character = String.fromCharCode(byte);
  const texts = [`\\${byte.toString(8).padStart(3, "0")}`];
  if (byte < 0x80 && !/[A-Za-z0-9]/.test(character)) texts.push(`\\${character}`);
  if (byte === 0) texts.push("\\0");
  for (const [letter, meaning] of LETTERS) if (meaning === byte) texts.push(`\\${letter}`);
  return [...itself(byte, "\\"), ...spelled(texts), ...spelledInAnyCase([`\\x${hexByte(byte)}`]), ...ofCharacter(pattern, index)];
}

function ofCharacter(pattern: Uint8Array, index: number): Spelling[] {
  const found = characterAt(pattern, index);
  if (found === undefined) return [];
  const { codePoint, width } = found;
  const digits = (value: number, length: number) => value.toString(16).padStart(length, "0");
  const units = Array.from({ length: codePoint > 0xffff ? 2 : 1 }, (_, at) => String.fromCodePoint(codePoint).charCodeAt(at));
  return spelledInAnyCase(
    [
      units.map((unit) => `\\u${digits(unit, 4)}`).join(""),
      ...[1, 2, 3, 4, 5, 6].filter((length) => codePoint < 16 ** length).map((length) => `\\u{${digits(codePoint, length)}}`),
      `\\U${digits(codePoint, 8)}`,
      ...(codePoint >= 0x80 && codePoint < 0x100 ? [`\\x${digits(codePoint, 2)}`] : []),
    ],
    width,
  );
}

/** As JSON writes a text that is JSON already. */
function escapedAgain({ text, ...spelling }: Spelling): Spelling[] {
  const escaped = text.replaceAll("\\", "\\\\");
  return (escaped.includes('"') ? [escaped, escaped.replaceAll('"', '\\"')] : [escaped]).map((text) => ({ ...spelling, text }));
}
