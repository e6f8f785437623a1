import { closeSync, constants, existsSync, openSync, rmSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { dirname } from "node:path";
import { makeFifos } from "../output-pipes.js";

/**
 * Runs a command on the terminal that this shell leads, as an interactive shell runs one: in a process group of its own in the foreground,
 * which a shell in the same session watches. Without that Ctrl-Z would stop nothing (setpgid(2), "orphaned process group"). It says how the
 * command has ended or stopped, and for `fg` lets it go on. It reads no variable but those that it sets, and changes none: SHLVL, which shells
 * count up, and SHELL get back what they had. After the command has ended nothing of it holds the terminal, so that its end shows when
 * the last program is gone that the command has left behind.
 * Its words: the status pipe, the control pipe, the terminal's settings, SHLVL, SHELL, and the command.
 */
const MONITOR = `set +m
[ -z "$3" ] || stty "$3"
if [ -n "$4" ]; then SHLVL=$4; else unset SHLVL; fi
if [ -n "$5" ]; then SHELL=$5; else unset SHELL; fi
exec 8>"$1" 9<"$2" 7>&2
set -m
exec 2>/dev/null
shift 5
echo "pid $$" >&8
(exec 2>&7 7>&- 8>&- 9<&-; exec "$@")
code=$?
unset TMOUT
while { echo "code $code"; jobs; echo .; } >&8; read -r answer <&9 && [ "$answer" = fg ]; do
  fg >/dev/null
  code=$?
done
exec cat <&9 >/dev/null 7>&- 8>&- 9<&-`;

/** Shells by how well they pass an environment on: dash and ash drop variables with names that they do not know, such as bash's functions. */
const SHELLS: readonly (readonly string[])[] = [
  ["/bin/bash", "-p", "-m"],
  ["/usr/bin/bash", "-p", "-m"],
  ["/bin/sh", "-m"],
];

/** What the monitor says of the command. */
export type CommandState = { readonly state: "stopped" } | { readonly state: "ended"; readonly exitCode: number };

/** The pipes to the shell that watches a command. */
export class Monitor {
  readonly #paths: readonly [status: string, control: string];
  readonly #status: Socket;
  #control: number | undefined;
  #pid: number | undefined;
  #onStart: (pid: number) => void = () => {};
  #told = "";

  private constructor(paths: readonly [string, string], status: number, control: number) {
    this.#paths = paths;
    this.#status = new Socket({ fd: status, readable: true, writable: false });
    this.#control = control;
    this.#status.on("error", () => {});
  }

  /** Makes the pipes. @returns `undefined` where that cannot be done */
  static async prepare(): Promise<Monitor | undefined> {
    const paths = await makeFifos(2);
    if (!paths) return undefined;
    const [status, control] = paths as [string, string];
    try {
      // The end that is not ours is held too, so that neither side waits for the other to open.
      return new Monitor(
        [status, control],
        openSync(status, constants.O_RDONLY | constants.O_NONBLOCK),
        openSync(control, constants.O_RDWR),
      );
    } catch {
      rmSync(dirname(status), { recursive: true, force: true });
      return undefined;
    }
  }

  /** The words that start it. @param settings of the terminal, as `stty -g` tells them */
  argv(command: readonly string[], settings: string, env: Readonly<Record<string, string>>): string[] {
    const shell = SHELLS.find(([program]) => existsSync(program!)) ?? ["sh", "-m"];
    return [...shell, "-c", MONITOR, "agent-vault", ...this.#paths, settings, env["SHLVL"] ?? "", env["SHELL"] ?? "", ...command];
  }

  /** The process; `undefined` until it has said so. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** What the person's later programs keep it alive by: it ends with the last holder of this. */
  get control(): number | undefined {
    return this.#control;
  }

  /** Is told the process, once it is known. */
  onStart(listener: (pid: number) => void): void {
    this.#onStart = listener;
  }

  /** Listens from now on. */
  onState(listener: (state: CommandState) => void): void {
    this.#status.on("data", (chunk: Buffer) => {
      this.#told += chunk.toString("latin1");
      for (;;) {
        const [whole, pid, code, jobs] = /^(?:pid (\d+)\n|code (\d+)\n([^]*?)^\.\n)/m.exec(this.#told) ?? [];
        if (whole === undefined) return;
        this.#told = this.#told.slice(whole.length);
        if (pid !== undefined) this.#started(Number(pid));
        else if (jobs!.trim() !== "") listener({ state: "stopped" });
        else {
          this.#answer("end");
          listener({ state: "ended", exitCode: Number(code) });
        }
      }
    });
  }

  /** Lets a stopped command go on, in the foreground of its terminal. */
  goOn(): void {
    this.#answer("fg");
  }

  /** Lets it end. */
  close(): void {
    rmSync(dirname(this.#paths[0]), { recursive: true, force: true });
    this.#status.destroy();
    if (this.#control !== undefined) closeSync(this.#control);
    this.#control = undefined;
  }

  #answer(word: "fg" | "end"): void {
    if (this.#control !== undefined) writeSync(this.#control, `${word}\n`);
  }

  #started(pid: number): void {
    this.#pid = pid;
    rmSync(dirname(this.#paths[0]), { recursive: true, force: true });
    this.#onStart(pid);
  }
}
