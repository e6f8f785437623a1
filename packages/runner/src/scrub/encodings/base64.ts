import { base64Alignments } from "./base64-alignments.js";
import { NO_UNIT, encodedUnits, type Encoding, type Text } from "./encoding.js";

const [NEWLINE, RETURN, BACKSLASH, LETTER_N, PERCENT, SLASH, PLUS] = [0x0a, 0x0d, 0x5c, 0x6e, 0x25, 0x2f, 0x2b];
/** What a character is in the standard alphabet, and 0 for all that is in no alphabet. */
const STANDARD = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  STANDARD[character.charCodeAt(0)] = character.charCodeAt(0);
STANDARD["-".charCodeAt(0)] = PLUS;
STANDARD["_".charCodeAt(0)] = SLASH;

/** Base64 in the standard or the URL alphabet, also in a URL or in JSON, also broken into lines (an escaped line break is one too). */
export const base64: Encoding = {
  encodes: "base64",
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
  encode: (pattern, index) => {
    const character = String.fromCharCode(pattern[index] as number);
    if (character === "+") return encodedUnits(["+", "-", "%2B", "%2b"]);
    if (character === "/") return encodedUnits(["/", "_", "%2F", "%2f", "\\/"]);
    return encodedUnits([character]);
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
 * The base64 texts in which a value shows: its {@link base64Alignments} and, as longer texts, each with every character that its last bits
 * may make together with what follows.
 */
export function base64Texts(value: Uint8Array): Uint8Array[] {
  return base64Alignments(value).flatMap((own, offset) => {
    const lastBits = ((offset + value.length) * 8) % 6;
    const known = lastBits === 0 ? 0 : ((value.at(-1) ?? 0) << (6 - lastBits)) & 0x3f;
    const endings = lastBits === 0 ? [] : Array.from({ length: 1 << (6 - lastBits) }, (_, low) => ALPHABET.charAt(known | low));
    return [own, ...endings.map((ending) => own + ending)].map((text) => Buffer.from(text, "latin1"));
  });
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
