import { base64Alignments } from "./base64-alignments.js";
import { itself, spelled, spelledInAnyCase, type Encoding } from "./encoding.js";
import { INDENTATIONS } from "./gap.js";

const LINE_BREAKS = ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n", "\\\\r\\\\n", "%0A", "%0D%0A"];
const [PLUS, SLASH] = [0x2b, 0x2f];

/** Base64 in the standard or the URL alphabet, also in a URL or in JSON, also broken into lines (an escaped line break is one too), with any indentation. */
export const base64: Encoding = {
  encodes: "base64",
  gap: [[[""]], ...INDENTATIONS.map((indentation) => [LINE_BREAKS, indentation])],
  spellings: (pattern, index) => {
    const byte = pattern[index] as number;
    const own = itself(byte);
    if (byte === PLUS) return [...own, ...spelled(["-"]), ...spelledInAnyCase(["%2b"])];
    if (byte === SLASH) return [...own, ...spelled(["_", "\\/"]), ...spelledInAnyCase(["%2f"])];
    return own;
  },
};

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
