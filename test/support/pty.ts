import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { onTestFinished } from "vitest";

/** A line of the shell at work on a terminal of its own, by the program `script` of util-linux. */
export class Pty {
  #screen = "";
  #seen = 0;
  readonly #script: ChildProcessWithoutNullStreams;
  /** The exit code of the line. */
  readonly closed: Promise<number | null>;

  constructor(line: string, options: { cwd?: string; env?: Readonly<Record<string, string | undefined>> } = {}) {
    this.#script = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], {
      cwd: options.cwd,
      env: { PATH: process.env["PATH"], LANG: "C.UTF-8", TERM: "xterm", SHELL: "/bin/sh", ...options.env },
    });
    this.#script.stdout.setEncoding("utf8");
    this.#script.stdout.on("data", (chunk: string) => (this.#screen += chunk));
    this.closed = new Promise((done) => this.#script.on("close", (code) => done(code)));
    onTestFinished(() => void this.#script.kill("SIGKILL"));
  }

  /** All that it has shown. */
  get screen(): string {
    return this.#screen;
  }

  /** Waits until a text shows that has not been waited for. */
  async shows(text: string): Promise<void> {
    let ended = false;
    void this.closed.then(() => (ended = true));
    for (;;) {
      const at = this.#screen.indexOf(text, this.#seen);
      if (at >= 0) {
        this.#seen = at + text.length;
        return;
      }
      if (ended) throw new Error(`The terminal never showed ${JSON.stringify(text)}, but ${JSON.stringify(this.#screen)}`);
      await new Promise<void>((again) => {
        this.#script.stdout.once("data", () => again());
        void this.closed.then(() => again());
      });
    }
  }

  type(text: string): void {
    this.#script.stdin.write(text);
  }
}
