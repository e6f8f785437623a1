import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { SYSTEM_ENVIRONMENT } from "./system-environment.js";

/**
 * A shell that acts when this process has ended, even if it was killed: it reads a pipe that closes then. It is in a session of its own, out of reach of
 * what kills ours.
 */
export class Watchdog {
  readonly #shell: ChildProcess;

  /**
   * @param script what it does, with the arguments as `$1` and so on, and `$told` as what it was told last; never put one into the script
   * @param descriptor is its descriptor 3
   */
  constructor(script: string, args: readonly string[], descriptor?: number) {
    const wait = "trap '' HUP INT QUIT TERM; while read -r line; do told=$line; done;";
    this.#shell = spawn("/bin/sh", ["-c", `${wait} ${script}`, "sh", ...args], {
      cwd: "/",
      env: SYSTEM_ENVIRONMENT,
      stdio: ["pipe", "ignore", "ignore", descriptor ?? "ignore"],
      detached: true,
    });
    this.#shell.on("error", () => {}).unref();
    const pipe = this.#shell.stdin as Socket;
    pipe.on("error", () => {}).unref();
  }

  /** Whether there is a shell to do it. */
  get isAtWork(): boolean {
    return this.#shell.pid !== undefined;
  }

  /** Tells it a line. */
  tell(line: string): void {
    this.#shell.stdin?.write(`${line}\n`);
  }

  /** There is nothing to do any more. */
  end(): void {
    this.#shell.kill("SIGKILL");
    this.#shell.stdin?.destroy();
  }
}
