import { spawn } from "node:child_process";
import process from "node:process";

/** What a remote may take, in milliseconds. */
export interface RemoteLimits {
  /** How long it may say nothing. */
  readonly silence: number;
  /** How long it may take altogether. */
  readonly total: number;
}

/** How git ended: well, with its own words, or because it was given up. */
export type RemoteOutcome = "done" | { readonly words: string } | { readonly exceeded: keyof RemoteLimits };

/** As much of what git says as can matter, in characters. */
const KEPT_WORDS = 16_384;

/**
 * Runs a git command that talks to a remote and says on its error stream how far it is (`--progress`). git leaves the talking to
 * programs of its own, which outlive it; so all of them form one process group, which ends where a limit is exceeded or this process ends.
 * @throws the system's error where git cannot be started
 */
export function runWithRemote(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  limits: RemoteLimits,
): Promise<RemoteOutcome> {
  return new Promise((done, failed) => {
    const grouped = process.platform !== "win32";
    const child = spawn("git", args, { cwd: folder, env, detached: grouped, windowsHide: true, stdio: ["ignore", "ignore", "pipe"] });
    let words = "";
    const exceed = (limit: keyof RemoteLimits) => {
      endGroup();
      settle({ exceeded: limit });
    };
    const total = setTimeout(exceed, limits.total, "total");
    const silence = setTimeout(exceed, limits.silence, "silence");
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      words = (words + chunk).slice(-KEPT_WORDS);
      silence.refresh();
    });
    child.once("error", (error) => {
      release();
      failed(error);
    });
    child.once("close", (code, signal) => settle(code === 0 ? "done" : { words: wordsOf(words) || `it ended with ${code ?? signal}` }));
    // A program that stays on, such as the master of shared ssh connections, may keep the error stream open.
    child.once("exit", (code) => code === 0 && settle("done"));
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on("exit", endGroup);

    function settle(outcome: RemoteOutcome): void {
      release();
      child.stderr.destroy();
      child.unref();
      done(outcome);
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

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What git said without the pictures of its progress. */
function wordsOf(text: string): string {
  return text
    .split(/[\r\n]+/)
    .filter((line) => !/^(?:remote: )?(?:[A-Z][a-z]+ [a-z]+: +\d|Total \d)/.test(line))
    .join("\n");
}
