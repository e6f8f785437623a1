import process from "node:process";
import type { Context } from "../context.js";
import { environment, OWN_CONFIGURATION } from "./environment.js";
import { gitError } from "./errors.js";

/**
 * Runs git and waits for it, for the rare question that must be answered before a call that cannot wait returns.
 * @returns its standard output
 * @throws VaultError `GIT_FAILED` with what git said, `GIT_MISSING`
 */
export function runGitSync(context: Context, folder: string, args: readonly string[], input?: Uint8Array): Buffer {
  // Loaded on the first use: reading a secret starts no process.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { status, signal, stdout, stderr, error } = spawnSync("git", ["-c", OWN_CONFIGURATION, ...args], {
    cwd: folder,
    env: environment(context),
    maxBuffer: Infinity,
    windowsHide: true,
    ...(input && { input }),
  });
  if (error) throw gitError(error, args);
  if (status !== 0) throw gitError(new Error(`${stderr.toString()}${signal ?? `exit code ${status}`}`), args);
  return stdout;
}
