import { parseArgs } from "node:util";
import { printSecret } from "../findings/print-secret.js";
import { reportError } from "../terminal/report-error.js";
import { findVaultToRead, terminalContext } from "../terminal/terminal-context.js";
import { ProgressLine } from "../terminal/terminal.js";

/** The flags of `get`, which a test compares with those of the command. */
export const GET_FLAGS = {
  directory: { type: "string", short: "C", multiple: true },
  "for-program": { type: "boolean" },
  json: { type: "boolean" },
  key: { type: "string" },
  "no-pull": { type: "boolean" },
  token: { type: "string" },
} as const;

/**
 * Runs `get` without oclif, which costs more than the reading itself; what agents call most should start fast.
 * @returns the exit code, or `undefined` for words that are better left to the full parser and its messages
 */
export async function fastGet(words: readonly string[]): Promise<number | undefined> {
  const parsed = parse(words);
  if (!parsed || parsed.positionals.length !== 1) return undefined;
  const { directory = [], json = false, key, token, "no-pull": noPull = false, "for-program": forProgram = false } = parsed.values;
  try {
    const context = terminalContext("get", directory, new ProgressLine());
    await printSecret(context, await findVaultToRead(context), { path: parsed.positionals[0]!, key, token, noPull, json, forProgram });
    return 0;
  } catch (error) {
    return reportError(error, json);
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: GET_FLAGS, allowPositionals: true });
  } catch {
    return undefined;
  }
}
