import { parseArgs } from "node:util";
import { GET_FLAGS } from "../flags/get-flags.js";
import { GLOBAL_FLAGS } from "../flags/global-flags.js";
import { keyChoice } from "../flags/key-choice.js";
import { ProgressLine } from "../terminal/progress-line.js";
import { reportError } from "../terminal/report-error.js";
import { findVaultToRead, terminalContext } from "../terminal/terminal-context.js";
import { printValue } from "../values/print-value.js";

/**
 * Runs `get` without oclif, which takes longer to load than the read itself: agents call `get` more than anything else.
 * @returns the exit code, or `undefined` for a command line that the full parser has to explain
 */
export async function fastGet(argv: readonly string[]): Promise<number | undefined> {
  const parsed = parse(argv);
  if (!parsed || parsed.positionals.length !== 1) return undefined;
  const {
    directory = [],
    json = false,
    "passphrase-fd": passphraseFd,
    key,
    token,
    "no-pull": noPull = false,
    "for-program": forProgram = false,
  } = parsed.values;
  try {
    const context = terminalContext("get", directory, new ProgressLine(), passphraseFd);
    const root = await findVaultToRead(context, { key: keyChoice(key) });
    await printValue(context, root, { path: parsed.positionals[0]!, key, token, noPull, json, forProgram });
    return 0;
  } catch (error) {
    return reportError(error, json);
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: { ...GLOBAL_FLAGS, ...GET_FLAGS }, allowPositionals: true });
  } catch {
    return undefined;
  }
}
