import process from "node:process";
import { valueTooLarge } from "@agent-vault/vault";

/** Bytes of the longest line ending, which does not count towards the limit. */
const MAX_NEWLINE_BYTES = 2;

/**
 * All bytes of standard input, without one final newline, as `echo` adds it.
 * @param exact keeps the newline
 * @param limit maximum number of bytes; a pipe may have no end
 * @throws VaultError `VALUE_TOO_LARGE`
 */
export async function readStandardInput(exact: boolean, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit + MAX_NEWLINE_BYTES) throw valueTooLarge(limit);
  }
  const bytes = Buffer.concat(chunks);
  if (exact || bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
