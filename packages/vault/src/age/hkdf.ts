import { createHmac } from "node:crypto";

const LAST_BLOCK = Buffer.of(1);

/**
 * HKDF-SHA-256 (RFC 5869) with 32 bytes of output, which is one block of its expansion.
 * Two HMACs take a third of the time of `hkdfSync`.
 */
export function hkdf(inputKey: Uint8Array, salt: Uint8Array, info: string): Buffer {
  const pseudorandomKey = createHmac("sha256", salt).update(inputKey).digest();
  return createHmac("sha256", pseudorandomKey).update(info).update(LAST_BLOCK).digest();
}
