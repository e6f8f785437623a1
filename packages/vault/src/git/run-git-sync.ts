import process from "node:process";
import type { Context } from "../context.js";
import { gitEnvironment, SAFE_CONFIGURATION } from "./environment.js";
import { gitFailed, gitNotStarted } from "./errors.js";

/**
 * Runs git and waits for it, for the rare question that must be answered before a call that cannot wait returns.
 * @param input bytes for git's standard input
 * @returns its standard output
 * @throws GitError
 */
export function runGitSync(context: Context, folder: string, args: readonly string[], input?: Uint8Array): Buffer {
  // Loaded on the first use: reading a secret starts no process.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { status, signal, stdout, stderr, error } = spawnSync("git", ["-c", SAFE_CONFIGURATION, ...args], {
    cwd: folder,
    env: gitEnvironment(context.env),
    maxBuffer: Infinity,
    windowsHide: true,
    ...(input && { input }),
  });
  if (error) throw gitNotStarted(folder, error);
  if (status !== 0) throw gitFailed({ args, exit: signal ?? status, stderr: stderr.toString() });
  return stdout;
}
