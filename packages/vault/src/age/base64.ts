/** Standard base64 without padding (C2SP age.md, conventions). */
export function encodeBase64(bytes: Uint8Array): string {
  return view(bytes)
    .toString("base64")
    .slice(0, Math.ceil((bytes.length * 4) / 3));
}

/** The bytes of canonical unpadded base64, or `null` for anything else: other characters, padding, stray bits at the end. */
export function decodeBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, "base64");
  return encodeBase64(bytes) === text ? bytes : null;
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
