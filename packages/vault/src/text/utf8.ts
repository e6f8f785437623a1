const EXACT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text that bytes encode, a byte order mark included, or `undefined` where they are not UTF-8: no byte is ever replaced. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return EXACT.decode(bytes);
  } catch {
    return undefined;
  }
}

/** As {@link decodeUtf8}, for a text file: without the byte order mark that some editors put at its beginning. */
export function decodeUtf8File(bytes: Uint8Array): string | undefined {
  return decodeUtf8(bytes)?.replace(/^\uFEFF/, "");
}
