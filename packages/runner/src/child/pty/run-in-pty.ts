import { EventEmitter } from "node:events";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { sendSignal } from "../end-processes.js";
import type { ChildEnd, ChildRequest } from "../child-request.js";
import { finishOutputs } from "../finish-outputs.js";
import { isInBackground } from "../in-background.js";
import { takeOverErrors } from "../output-errors.js";
import { PassedSignals, type SignalTarget } from "../pass-signals.js";
import { allProcesses } from "../process-table.js";
import { Pump } from "../pump.js";
import { requireProgram } from "../spawn-error.js";
import { waitForChild } from "../wait-for-child.js";
import { Watchdog } from "../watchdog.js";
import type { CommandState, Monitor } from "./monitor.js";
import type { PersonsTerminal } from "./persons-terminal.js";
import type { PreparedPty } from "./prepare-pty.js";
import type { PtyProcess } from "./pty-process.js";

/** Ends what is left of a terminal's session (`$told` is its leader), and gives the person's terminal its settings (`$1`) back. */
const END_SESSION = `stty "$1" <&3
all() { for file in /proc/[0-9]*/stat; do read -r line <"$file" && pid=\${line%% *} && set -- \${line##*) } && [ "$4" = "$told" ] && echo "$pid"; done; }
kill -s TERM $(all); sleep 5; kill -s KILL $(all)`;
const STANDARD_INPUT = 0;
/** What a command has written before it stopped shows within this time. */
const SETTLE_MS = 20;
/** A signal that ends a shell by what ended its command (bash: an exit code of this). */
const SIGINT = { number: 2, exitCode: 130 };

/** A command that is ready to run. */
export interface PreparedCommand {
  readonly command: readonly string[];
  readonly env: Record<string, string>;
}

/**
 * Runs a program on a terminal of its own, whose output passes the scrubber on the way to the person's terminal and whose input is what the
 * person types. Otherwise as `runChild`.
 */
export async function runInPty(
  request: ChildRequest,
  { command, env }: PreparedCommand,
  { start, monitor }: PreparedPty,
  terminal: PersonsTerminal,
): Promise<ChildEnd> {
  requireProgram(command[0]!, request.cwd, env);
  // Before the terminal is made, whose descriptor it would inherit.
  const watchdog = new Watchdog(END_SESSION, [terminal.settings], STANDARD_INPUT);
  const signals = new PassedSignals("pty");
  const { stdout } = request;
  const errors = takeOverErrors([stdout.to]);
  try {
    const pty = start({ argv: monitor.argv(command, terminal.settings, env), cwd: request.cwd, env, size: terminal.size });
    const pump = new Pump(pty.output, stdout.through, stdout.to);
    errors.listen((_, error) => pump.breakOff(error));
    const job = new PtyJob(pty, monitor, terminal, signals, (pid) => watchdog.tell(String(pid)));
    signals.passTo(job);
    job.begin();
    const end = await waitForChild(job, request, "pty", signals);
    const { isLeft } = await finishOutputs([{ pump, to: stdout.to }], request, monitor.control);
    terminal.leave();
    pty.input.destroy();
    return { ...end, unwritten: pump.failure, leftTerminal: isLeft };
  } finally {
    terminal.leave();
    monitor.close();
    signals.end();
    watchdog.end();
    errors.release();
  }
}

/** A command on its terminal. It emits `exit` as a child process does. */
class PtyJob extends EventEmitter<{ exit: [code: number | null, signal: NodeJS.Signals | null] }> implements SignalTarget {
  readonly #pty: PtyProcess;
  readonly #monitor: Monitor;
  readonly #terminal: PersonsTerminal;
  readonly #signals: PassedSignals;
  readonly #resize = () => this.#pty.resize(this.#terminal.size, this.#monitor.pid);
  readonly #type = (chunk: Buffer) => void this.#pty.input.write(chunk);
  #isStopped = false;
  #hasEnded = false;

  constructor(pty: PtyProcess, monitor: Monitor, terminal: PersonsTerminal, signals: PassedSignals, tellPid: (pid: number) => void) {
    super();
    this.#pty = pty;
    this.#monitor = monitor;
    this.#terminal = terminal;
    this.#signals = signals;
    monitor.onStart(tellPid);
    monitor.onState((state) => this.#take(state));
    void pty.exited.then(({ exitCode, signal }) => {
      const isInterrupted = signal === SIGINT.number || exitCode === SIGINT.exitCode;
      if (isInterrupted) signals.seen.add("SIGINT");
      this.#end(isInterrupted ? null : exitCode, isInterrupted ? "SIGINT" : null);
    });
  }

  /** The process that leads the terminal. */
  get pid(): number {
    return this.#monitor.pid ?? 0;
  }

  begin(): void {
    process.on("SIGWINCH", this.#resize);
    this.#terminal.enter(this.#type);
  }

  send(signal: NodeJS.Signals): void {
    for (const group of this.#groups()) sendSignal(-group, signal);
  }

  stop(): void {
    this.send("SIGSTOP");
  }

  /** This process goes on. In the background it leaves the terminal alone. */
  goOn(): void {
    if (this.#hasEnded) return;
    if (!isInBackground()) {
      this.#terminal.enter(this.#type);
      this.#resize();
    }
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#monitor.goOn();
  }

  #take(state: CommandState): void {
    if (state.state === "ended") this.#end(state.exitCode, null);
    else void this.#suspend();
  }

  /** The command has stopped: so does this process, with all that the person's shell knows as one job. */
  async #suspend(): Promise<void> {
    this.#isStopped = true;
    await setTimeout(SETTLE_MS);
    if (this.#hasEnded) return;
    this.#terminal.leave();
    this.#signals.stopOurGroup();
    this.goOn();
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    process.off("SIGWINCH", this.#resize);
    this.#terminal.stopReading();
    this.emit("exit", code, signal);
  }

  /** The command's process group, and others that it has made for its own programs if it is a shell. */
  #groups(): Set<number> {
    const leader = this.#monitor.pid;
    if (leader === undefined) return new Set();
    return new Set(allProcesses().flatMap(({ parent, group }) => (parent === leader && group !== leader ? [group] : [])));
  }
}
