import process from "node:process";
import { printableJson } from "@agent-vault/vault/read-only";

/** Writes bytes to standard output and waits until they are on their way. */
export function writeOut(bytes: Uint8Array): Promise<void> {
  return new Promise((done, failed) => process.stdout.write(bytes, (error) => (error ? failed(error) : done())));
}

/** What `--json` prints for a result. */
export function jsonText(result: unknown): string {
  return `${printableJson(JSON.stringify(result, null, 2))}\n`;
}
