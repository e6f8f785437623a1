import process from "node:process";
import type { Context } from "../context.js";
import type { EnvironmentOptions } from "./environment.js";
import { gitNotStarted } from "./errors.js";
import { startGit } from "./run-git.js";

/** What a remote may take, in milliseconds. */
export interface RemoteLimits {
  /** How long it may say nothing. */
  readonly silenceMs: number;
  /** How long it may take altogether. */
  readonly totalMs: number;
  /** How many bytes of objects it may send, by what git says of its progress; any number unless set. */
  readonly maxBytes?: number | undefined;
}

/** How a run ended, and what it printed. */
export interface RemoteRun {
  /** The exit code, or the signal that ended git. */
  readonly exit: number | NodeJS.Signals | null;
  readonly stdout: string;
  /** The end of it. */
  readonly stderr: string;
}

/** The limit that ended a run. */
export type ExceededLimit = keyof RemoteLimits | "output";

/** As much of what git says as can matter, in characters. */
const MAX_STDERR_LENGTH = 16_384;
/** More than the list of 200,000 refs. */
const MAX_STDOUT_LENGTH = 16 * 1024 * 1024;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a git command that talks to a remote and says on its error stream how far it is (`--progress`). git leaves the talking to
 * programs of its own, which outlive it; so all of them form one process group, which ends where a limit is exceeded or this process ends.
 * @param input for git's standard input
 * @throws GitError where git cannot be started
 */
export function runWithRemote(
  context: Context,
  folder: string,
  args: readonly string[],
  environment: EnvironmentOptions,
  limits: RemoteLimits,
  input?: Uint8Array,
): Promise<RemoteRun | ExceededLimit> {
  return new Promise((resolve, reject) => {
    const grouped = process.platform !== "win32";
    // Before git starts, as a signal in between would end this process alone.
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on("exit", endGroup);
    const child = startGit(context, folder, args, { environment, detached: grouped, stdio: [input ? "pipe" : "ignore", "pipe", "pipe"] });
    child.stdin?.end(input);
    let [stdout, stderr] = ["", ""];
    const exceed = (limit: ExceededLimit) => {
      endGroup();
      finish(limit);
    };
    const total = setTimeout(exceed, limits.totalMs, "totalMs");
    const silence = setTimeout(exceed, limits.silenceMs, "silenceMs");
    child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
      silence.refresh();
      if (stdout.length > MAX_STDOUT_LENGTH) exceed("output");
    });
    child.stderr!.setEncoding("utf8").on("data", (chunk: string) => {
      stderr = (stderr + chunk).slice(-MAX_STDERR_LENGTH);
      silence.refresh();
      if (limits.maxBytes !== undefined && receivedBytes(stderr) > limits.maxBytes) exceed("maxBytes");
    });
    child.once("error", (error) => {
      release();
      reject(gitNotStarted(folder, error));
    });
    child.once("close", (code, signal) => finish({ exit: code ?? signal, stdout, stderr }));
    // A program that stays on, such as the master of shared ssh connections, may keep the error stream open, and no other.
    child.once("exit", (code) => {
      if (code !== 0) return;
      if (child.stdout!.readableEnded) finish({ exit: code, stdout, stderr });
      else child.stdout!.once("end", () => setImmediate(() => finish({ exit: code, stdout, stderr })));
    });

    function finish(outcome: RemoteRun | ExceededLimit): void {
      release();
      child.stdout!.destroy();
      child.stderr!.destroy();
      child.unref();
      resolve(outcome);
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

const UNITS = ["bytes", "KiB", "MiB", "GiB"];

/** How much has come by the last line of progress, such as `Receiving objects:  50% (1/2), 1.20 MiB | 3.00 MiB/s`. */
function receivedBytes(stderr: string): number {
  const last = [...stderr.matchAll(/^Receiving objects:[^\r\n]*?, ([\d.]+) (bytes|KiB|MiB|GiB)\b/gm)].at(-1);
  return last ? Number(last[1]) * 1024 ** UNITS.indexOf(last[2]!) : 0;
}
