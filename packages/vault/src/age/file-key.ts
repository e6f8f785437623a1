import { createCipheriv, createDecipheriv } from "node:crypto";
import { invalidFile } from "./invalid-file.js";

const ZERO_NONCE = new Uint8Array(12);
const TAG_LENGTH = 16;
const WRAPPED_LENGTH = 32;

/** The 32 bytes of a stanza's body: the file key under a key that is used this once. */
export function sealFileKey(fileKey: Uint8Array, wrapKey: Uint8Array): Uint8Array {
  const cipher = createCipheriv("chacha20-poly1305", wrapKey, ZERO_NONCE, { authTagLength: TAG_LENGTH });
  return Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
}

/**
 * The file key of a stanza's body, or `null` where it was sealed with another key.
 * @throws VaultError `DAMAGED` for another length: checked first, against partitioning oracles (C2SP age.md, X25519).
 */
export function openFileKey(body: Uint8Array, wrapKey: Uint8Array): Uint8Array | null {
  if (body.length !== WRAPPED_LENGTH) throw invalidFile("a wrapped file key has the wrong length");
  const decipher = createDecipheriv("chacha20-poly1305", wrapKey, ZERO_NONCE, { authTagLength: TAG_LENGTH });
  decipher.setAuthTag(body.subarray(-TAG_LENGTH));
  const fileKey = decipher.update(body.subarray(0, -TAG_LENGTH));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return fileKey;
}
