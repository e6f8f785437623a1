import process from "node:process";
import { sendSignal } from "./end-processes.js";

/**
 * Where a child runs: in a `group` of its own; on the `terminal` that it shares with us, which sends Ctrl-C and the like to both; at a `console` of
 * Windows, which does so too.
 */
export type ProcessGroupKind = "group" | "terminal" | "console";

/** What only we get. */
const PASSED_ON: Record<ProcessGroupKind, readonly NodeJS.Signals[]> = {
  group: ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"],
  terminal: ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"],
  console: [],
};
/** What the child gets as well, so that we only have to stay until it has ended. */
const SHARED: Record<ProcessGroupKind, readonly NodeJS.Signals[]> = { group: [], terminal: ["SIGINT", "SIGQUIT"], console: ["SIGINT"] };

/** The signals that reach us while a child runs, which are for the child. To be made before the child, so that none is lost in between. */
export class PassedSignals {
  /** Those that came. */
  readonly seen = new Set<NodeJS.Signals>();
  /** The child, or its group as a negative number. */
  #child: number | undefined;
  readonly #listeners: (readonly [NodeJS.Signals, () => void])[];

  constructor(groupKind: ProcessGroupKind) {
    this.#listeners = [
      ...PASSED_ON[groupKind].map((signal) => [signal, () => this.#pass(signal)] as const),
      ...SHARED[groupKind].map((signal) => [signal, () => void this.seen.add(signal)] as const),
      ...(groupKind === "group"
        ? ([["SIGTSTP", () => this.#stop()] as const, ["SIGCONT", () => this.#send("SIGCONT")] as const] as const)
        : []),
    ];
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  /** @param child its process number, or its group's as a negative one */
  passTo(child: number): void {
    this.#child = child;
  }

  /** From here on signals do to us what they do to any program. */
  end(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #pass(signal: NodeJS.Signals): void {
    this.seen.add(signal);
    this.#send(signal);
  }

  /** Stops the child's group and then us, so that the shell has its terminal back. SIGTSTP would not do: no shell is in the child's session to wake it. */
  #stop(): void {
    this.#send("SIGSTOP");
    sendSignal(process.pid, "SIGSTOP");
  }

  #send(signal: NodeJS.Signals): void {
    if (this.#child !== undefined) sendSignal(this.#child, signal);
  }
}
