import process from "node:process";
import { sendSignal } from "./end-processes.js";

/**
 * Where a child runs: in a `group` of its own; on a pseudo-terminal of its own (`pty`), in which it has a group; on the `terminal` that it
 * shares with us, which sends Ctrl-C and the like to both; at a `console` of Windows, which does so too.
 */
export type ProcessGroupKind = "group" | "pty" | "terminal" | "console";

/** What only we get. */
const PASSED_ON: Record<ProcessGroupKind, readonly NodeJS.Signals[]> = {
  group: ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"],
  pty: ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"],
  terminal: ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"],
  console: [],
};
/** What the child gets as well, so that we only have to stay until it has ended. */
const SHARED: Record<ProcessGroupKind, readonly NodeJS.Signals[]> = {
  group: [],
  pty: [],
  terminal: ["SIGINT", "SIGQUIT"],
  console: ["SIGINT"],
};

/** What gets the signals. */
export interface SignalTarget {
  send(signal: NodeJS.Signals): void;
  /** We were asked to stop. */
  stop(): void;
  /** We go on after a stop. */
  goOn(): void;
}

/** A process, or a group by its negative number, that is stopped before we are. */
export function processTarget(pid: number): SignalTarget {
  return {
    send: (signal) => sendSignal(pid, signal),
    // SIGTSTP would not do: no shell is in the child's session to wake it.
    stop: () => {
      sendSignal(pid, "SIGSTOP");
      sendSignal(process.pid, "SIGSTOP");
    },
    goOn: () => sendSignal(pid, "SIGCONT"),
  };
}

/** The signals that reach us while a child runs, which are for the child. To be made before the child, so that none is lost in between. */
export class PassedSignals {
  /** Those that came. */
  readonly seen = new Set<NodeJS.Signals>();
  #target: SignalTarget | undefined;
  readonly #stop = () => this.#target?.stop();
  readonly #listeners: (readonly [NodeJS.Signals, () => void])[];

  constructor(groupKind: ProcessGroupKind) {
    this.#listeners = [
      ...PASSED_ON[groupKind].map((signal) => [signal, () => this.#pass(signal)] as const),
      ...SHARED[groupKind].map((signal) => [signal, () => void this.seen.add(signal)] as const),
      ...(groupKind === "group" || groupKind === "pty"
        ? ([["SIGTSTP", this.#stop] as const, ["SIGCONT", () => this.#target?.goOn()] as const] as const)
        : []),
    ];
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  passTo(target: SignalTarget): void {
    this.#target = target;
  }

  /** From here on signals do to us what they do to any program. */
  end(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  /** Stops us and what shares our group, as Ctrl-Z on our own terminal would. Returns when we go on, or where nothing could wake us. */
  stopOurGroup(): void {
    process.off("SIGTSTP", this.#stop);
    sendSignal(0, "SIGTSTP");
    process.on("SIGTSTP", this.#stop);
  }

  #pass(signal: NodeJS.Signals): void {
    this.seen.add(signal);
    this.#target?.send(signal);
  }
}
