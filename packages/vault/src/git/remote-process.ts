import process from "node:process";
import type { Context } from "../context.js";
import type { EnvironmentOptions } from "./environment.js";
import { gitFailed, gitNotStarted } from "./errors.js";
import { startGit } from "./run-git.js";

/** What a remote may take, in milliseconds. */
export interface RemoteLimits {
  /** How long it may say nothing. */
  readonly silenceMs: number;
  /** How long it may take altogether. */
  readonly totalMs: number;
}

/** `done`, or the limit that was exceeded. */
export type RemoteOutcome = "done" | keyof RemoteLimits;

/** As much of what git says as can matter, in characters. */
const MAX_STDERR_LENGTH = 16_384;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a git command that talks to a remote and says on its error stream how far it is (`--progress`). git leaves the talking to
 * programs of its own, which outlive it; so all of them form one process group, which ends where a limit is exceeded or this process ends.
 * @throws GitError
 */
export function runWithRemote(
  context: Context,
  folder: string,
  args: readonly string[],
  environment: EnvironmentOptions,
  limits: RemoteLimits,
): Promise<RemoteOutcome> {
  return new Promise((resolve, reject) => {
    const grouped = process.platform !== "win32";
    // Before git starts, as a signal in between would end this process alone.
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on("exit", endGroup);
    const child = startGit(context, folder, args, { environment, detached: grouped, stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    const exceed = (limit: keyof RemoteLimits) => {
      endGroup();
      finish(() => resolve(limit));
    };
    const total = setTimeout(exceed, limits.totalMs, "totalMs");
    const silence = setTimeout(exceed, limits.silenceMs, "silenceMs");
    child.stderr!.setEncoding("utf8").on("data", (chunk: string) => {
      stderr = (stderr + chunk).slice(-MAX_STDERR_LENGTH);
      silence.refresh();
    });
    child.once("error", (error) => {
      release();
      reject(gitNotStarted(folder, error));
    });
    child.once("close", (code, signal) =>
      finish(() => (code === 0 ? resolve("done") : reject(gitFailed({ args, exit: code ?? signal, stderr })))),
    );
    // A program that stays on, such as the master of shared ssh connections, may keep the error stream open.
    child.once("exit", (code) => code === 0 && finish(() => resolve("done")));

    function finish(settle: () => void): void {
      release();
      child.stderr!.destroy();
      child.unref();
      settle();
    }

    function release(): void {
      clearTimeout(total);
      clearTimeout(silence);
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off("exit", endGroup);
    }

    function endGroup(): void {
      try {
        if (grouped) process.kill(-child.pid!, "SIGTERM");
        else child.kill();
      } catch {
        // It has ended by itself.
      }
    }

    /** The group does not get the terminal's Ctrl-C; where nobody else listens, the signal does to this process what it always does. */
    function onSignal(signal: NodeJS.Signals): void {
      endGroup();
      release();
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    }
  });
}
