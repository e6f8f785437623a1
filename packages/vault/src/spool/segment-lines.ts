import { createCipheriv, createDecipheriv, createHash } from "node:crypto";

const CIPHER = "chacha20-poly1305";
const TAG_LENGTH = 16;
const NONCE_LENGTH = 12;
/** A row's length is hidden up to this many bytes. */
const PADDING = 256;

/** The additional data of all rows of a segment: they open below their own first line alone. @param header the first line, without its line feed */
export function headerDigest(header: string): Uint8Array {
  return createHash("sha256").update(header).digest();
}

/**
 * Encrypts a row to a line, without its line feed: base64 of ChaCha20-Poly1305 (RFC 8439) with the line's number as nonce, over the
 * text, padded with spaces.
 * @param key 32 bytes
 * @param digest of {@link headerDigest}
 * @param line from 2
 */
export function sealLine(key: Uint8Array, digest: Uint8Array, line: number, text: string): string {
  const bytes = Buffer.from(text);
  const padded = Buffer.alloc(Math.ceil(bytes.length / PADDING) * PADDING, " ");
  bytes.copy(padded);
  const cipher = createCipheriv(CIPHER, key, nonceOf(line), { authTagLength: TAG_LENGTH });
  cipher.setAAD(digest, { plaintextLength: padded.length });
  return Buffer.concat([cipher.update(padded), cipher.final(), cipher.getAuthTag()]).toString("base64");
}

/** Decrypts what {@link sealLine} encrypted. @returns `undefined` where the line was changed, or is another one */
export function openLine(key: Uint8Array, digest: Uint8Array, line: number, text: string): string | undefined {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length <= TAG_LENGTH || bytes.toString("base64") !== text) return undefined;
  const sealed = bytes.subarray(0, -TAG_LENGTH);
  const decipher = createDecipheriv(CIPHER, key, nonceOf(line), { authTagLength: TAG_LENGTH });
  decipher.setAAD(digest, { plaintextLength: sealed.length });
  decipher.setAuthTag(bytes.subarray(-TAG_LENGTH));
  try {
    return Buffer.concat([decipher.update(sealed), decipher.final()])
      .toString("utf8")
      .trimEnd();
  } catch {
    return undefined;
  }
}

/** Twelve bytes, the highest first. */
function nonceOf(line: number): Uint8Array {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeBigUInt64BE(BigInt(line), NONCE_LENGTH - 8);
  return nonce;
}
