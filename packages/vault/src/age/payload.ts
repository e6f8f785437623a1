import { createDecipheriv } from "node:crypto";
import { invalidFile } from "./invalid-file.js";
import { hkdf } from "./hkdf.js";

const SALT_LENGTH = 16;
const TAG_LENGTH = 16;
const CHUNK_LENGTH = 64 * 1024;
const SEALED_CHUNK_LENGTH = CHUNK_LENGTH + TAG_LENGTH;
const NONCE_LENGTH = 12;

/**
 * Decrypts what follows the header of an age file: all of it, or nothing (C2SP age.md, "Payload", a STREAM of ChaCha20-Poly1305).
 * @param fileKey 16 bytes.
 * @throws VaultError `DAMAGED` where a chunk is altered, missing, moved or added.
 */
export function decryptPayload(fileKey: Uint8Array, payload: Uint8Array): Uint8Array {
  const sealed = payload.subarray(SALT_LENGTH);
  // Only a whole payload may be empty: a last chunk without content is a sign of tampering.
  const chunks = Math.max(1, Math.ceil(sealed.length / SEALED_CHUNK_LENGTH));
  const size = sealed.length - chunks * TAG_LENGTH;
  if (payload.length < SALT_LENGTH + TAG_LENGTH || size < (chunks - 1) * CHUNK_LENGTH + (chunks > 1 ? 1 : 0)) {
    throw invalidFile("its content breaks off");
  }
  const key = hkdf(fileKey, payload.subarray(0, SALT_LENGTH), "payload");
  const plaintext = new Uint8Array(size);
  for (let index = 0; index < chunks; index++) {
    const start = index * SEALED_CHUNK_LENGTH;
    const chunk = sealed.subarray(start, start + SEALED_CHUNK_LENGTH);
    plaintext.set(openChunk(key, chunk, index, index === chunks - 1), index * CHUNK_LENGTH);
  }
  return plaintext;
}

function openChunk(key: Uint8Array, chunk: Uint8Array, index: number, last: boolean): Uint8Array {
  const decipher = createDecipheriv("chacha20-poly1305", key, chunkNonce(index, last), { authTagLength: TAG_LENGTH });
  decipher.setAuthTag(chunk.subarray(-TAG_LENGTH));
  const plaintext = decipher.update(chunk.subarray(0, -TAG_LENGTH));
  try {
    decipher.final();
  } catch {
    throw invalidFile("its content was changed or cut");
  }
  return plaintext;
}

/** Eleven bytes that count chunks, and one that marks the last of them. */
function chunkNonce(index: number, last: boolean): Uint8Array {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeUIntBE(index, NONCE_LENGTH - 7, 6);
  nonce[NONCE_LENGTH - 1] = last ? 1 : 0;
  return nonce;
}
