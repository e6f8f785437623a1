import process from "node:process";
import { parseArgs } from "node:util";
import { endLike, runWithSecrets } from "@agent-vault/runner/use";
import { GLOBAL_FLAGS } from "../flags/global-flags.js";
import { RUN_FLAGS } from "../flags/run-flags.js";
import { keyOrAgent, runRequest, splitCommand } from "../flags/run-request.js";
import { ProgressLine } from "../terminal/progress-line.js";
import { reportError } from "../terminal/report-error.js";
import { findVaultToRead, terminalContext } from "../terminal/terminal-context.js";

/**
 * Runs `run` without oclif, which takes longer to load than all steps of `run`.
 * @returns the exit code, or `undefined` for a command line that the full parser has to explain
 */
export async function fastRun(argv: readonly string[]): Promise<number | undefined> {
  if (!argv.includes("--")) return undefined;
  const { own, command } = splitCommand(argv);
  const flags = parse(own);
  if (!flags) return undefined;
  const { directory = [], json = false, "passphrase-fd": passphraseFd, profile, ...rest } = flags;
  const progress = new ProgressLine();
  try {
    const context = terminalContext("run", directory, progress, passphraseFd);
    const root = await findVaultToRead(context, { key: keyOrAgent(rest) });
    endLike(await runWithSecrets(context, await runRequest(context, root, command, rest, profile)));
    return Number(process.exitCode);
  } catch (error) {
    progress.clear();
    return reportError(error, json);
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: { ...GLOBAL_FLAGS, ...RUN_FLAGS } }).values;
  } catch {
    return undefined;
  }
}
