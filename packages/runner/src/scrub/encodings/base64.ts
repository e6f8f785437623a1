import { NO_UNIT, spelled, type Encoding, type Text } from "./encoding.js";

const [NEWLINE, RETURN, BACKSLASH, LETTER_N, PERCENT, SLASH, PLUS] = [0x0a, 0x0d, 0x5c, 0x6e, 0x25, 0x2f, 0x2b];
/** What a character stands for in the standard alphabet, and 0 for all that is in no alphabet. */
const STANDARD = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  STANDARD[character.charCodeAt(0)] = character.charCodeAt(0);
STANDARD["-".charCodeAt(0)] = PLUS;
STANDARD["_".charCodeAt(0)] = SLASH;

/** Base64 in the standard or the URL alphabet, also in a URL or in JSON, also broken into lines (an escaped line break is one too). */
export const base64: Encoding = {
  spells: "base64",
  gaps: [
    ["", "\n"],
    ["", "\r\n"],
    ["", "\\n"],
  ],
  read: (text, at, depth) => {
    if (depth > 0) at = skipLineBreak(text, at);
    const byte = text.byte(at);
    if (byte < 0) return byte;
    if (byte === PERCENT) return readEscaped(text, at + 1, "2B", "2F");
    if (byte === BACKSLASH) return readEscaped(text, at + 1, undefined, "/");
    const standard = STANDARD[byte] as number;
    return standard === 0 ? NO_UNIT : text.one(at + 1, standard);
  },
  spell: (pattern, index) => {
    const character = String.fromCharCode(pattern[index] as number);
    if (character === "+") return spelled(["+", "-", "%2B", "%2b"]);
    if (character === "/") return spelled(["/", "_", "%2F", "%2f", "\\/"]);
    return spelled([character]);
  },
};

function skipLineBreak(text: Text, at: number): number {
  if (text.byte(at) === NEWLINE) return at + 1;
  if (text.byte(at) === RETURN) return text.byte(at + 1) === NEWLINE ? at + 2 : at + 1;
  return text.byte(at) === BACKSLASH && text.byte(at + 1) === LETTER_N ? at + 2 : at;
}

function readEscaped(text: Text, at: number, plus: string | undefined, slash: string): number {
  let read = "";
  while (read.length < slash.length) {
    const byte = text.byte(at++);
    if (byte < 0) return byte;
    read += String.fromCharCode(byte).toUpperCase();
  }
  if (read === plus) return text.one(at, PLUS);
  return read === slash ? text.one(at, SLASH) : NO_UNIT;
}

/**
 * The base64 texts in which a value shows, for each of the three places in a group of three bytes where it may start: all characters
 * that it decides alone and, as longer texts, each that its last bits may make together with what follows.
 * The character that the value's first bits share with what stands before is not among them: it tells at most four bits.
 */
export function base64Texts(value: Uint8Array): Uint8Array[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), value]);
    const whole = Math.floor((bytes.length * 8) / 6);
    const text = Buffer.from(bytes.toString("base64"), "latin1");
    const own = text.subarray(Math.ceil((before * 8) / 6), whole);
    const unknownBits = 6 - ((bytes.length * 8) % 6);
    if (unknownBits === 6) return [own];
    const known = ALPHABET.indexOf(String.fromCharCode(text[whole] as number));
    return [own, ...Array.from({ length: 1 << unknownBits }, (_, low) => Buffer.concat([own, Buffer.from(ALPHABET.charAt(known | low))]))];
  });
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
