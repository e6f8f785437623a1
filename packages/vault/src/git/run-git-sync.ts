import process from "node:process";
import type { Context } from "../context.js";
import { gitEnvironment, SAFE_CONFIGURATION } from "./environment.js";
import { gitFailed, gitNotStarted, tooMuchOutput } from "./errors.js";

/** What a run takes in and may put out. */
export interface SyncOptions {
  /** For git's standard input. */
  readonly input?: Uint8Array;
  /** More bytes of output than these end git. */
  readonly maxBytes?: number;
  /** A file's descriptor that takes the output instead. */
  readonly output?: number;
}

/**
 * Runs git and waits for it, for the rare question that must be answered before a call that cannot wait returns.
 * @returns its standard output
 * @throws GitError `tooMuchOutput` and others
 */
export function runGitSync(
  context: Context,
  folder: string,
  args: readonly string[],
  { input, maxBytes = Infinity, output }: SyncOptions = {},
): Buffer {
  // Loaded on the first use: reading a secret starts no process.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { status, signal, stdout, stderr, error } = spawnSync("git", ["-c", SAFE_CONFIGURATION, ...args], {
    cwd: folder,
    env: gitEnvironment(context.env),
    maxBuffer: maxBytes,
    windowsHide: true,
    stdio: ["pipe", output ?? "pipe", "pipe"],
    ...(input && { input }),
  });
  if (error && "code" in error && error.code === "ENOBUFS") throw tooMuchOutput(args);
  if (error) throw gitNotStarted(folder, error);
  if (status !== 0) throw gitFailed({ args, exit: signal ?? status, stderr: stderr.toString() });
  return stdout;
}
