import { fstatSync } from "node:fs";
import process from "node:process";
import { VaultError } from "@agent-vault/vault/read-only";

/**
 * All bytes of a piped or redirected standard input, without one final newline, as `echo` adds it.
 * @param exact keeps the newline
 * @throws VaultError `VALUE_REQUIRED` where nothing is piped in
 */
export async function readStandardInput(exact: boolean): Promise<Uint8Array> {
  if (!isPiped()) {
    throw new VaultError("VALUE_REQUIRED", "There is no value, and no terminal to ask for it.", {
      remedy: "Pipe it in (printf %s ... | agent-vault set PATH), or use --from-file FILE or --generate.",
    });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (exact || bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

function isPiped(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}
