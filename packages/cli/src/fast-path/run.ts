import process from "node:process";
import { parseArgs } from "node:util";
import { endLike, runWithSecrets } from "@agent-vault/runner/use";
import { reportError } from "../terminal/report-error.js";
import { runRequest, splitCommand } from "../flags/run-request.js";
import { findVaultToRead, terminalContext } from "../terminal/terminal-context.js";
import { ProgressLine } from "../terminal/terminal.js";

const TEXT = { type: "string" } as const;
const TEXTS = { type: "string", multiple: true } as const;
const SWITCH = { type: "boolean" } as const;

/** The flags of `run`, which a test compares with those of the command. */
export const RUN_FLAGS = {
  directory: { ...TEXTS, short: "C" },
  key: TEXT,
  token: TEXT,
  "no-pull": SWITCH,
  secret: TEXTS,
  inject: TEXTS,
  group: TEXTS,
  "env-file": TEXTS,
  file: TEXTS,
  profile: TEXT,
  shell: SWITCH,
  cwd: TEXT,
  timeout: TEXT,
  "clean-env": SWITCH,
  tty: SWITCH,
  "allow-short": SWITCH,
  reason: TEXT,
  service: TEXT,
} as const;

/**
 * Runs `run` without oclif, which would take longer than all of its own steps.
 * @returns the exit code, or `undefined` for words that are better left to the full parser and its messages
 */
export async function fastRun(words: readonly string[]): Promise<number | undefined> {
  if (!words.includes("--")) return undefined;
  const { own, command } = splitCommand(words);
  const flags = parse(own);
  if (!flags) return undefined;
  const progress = new ProgressLine();
  try {
    const { directory = [], profile, ...rest } = flags;
    const context = terminalContext("run", directory, progress);
    const root = await findVaultToRead(context);
    endLike(await runWithSecrets(context, await runRequest(context, root, command, rest, profile)));
    return Number(process.exitCode);
  } catch (error) {
    progress.clear();
    return reportError(error, false);
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: RUN_FLAGS }).values;
  } catch {
    return undefined;
  }
}
