import { closeOutputPipes, makeOutputPipes, type OutputPipe } from "./output-pipes.js";
import type { TerminalStreams } from "./pty/persons-terminal.js";
import type { PreparedPty } from "./pty/prepare-pty.js";

/** What a command's output goes through: pipes, or a terminal of the command's own. */
interface Output {
  readonly pipes?: readonly OutputPipe[] | undefined;
  readonly pty?: PreparedPty | undefined;
}

/** What a command's output goes through, made while other things are done, and closed where no command takes it. */
export class PreparedOutput {
  readonly #made: Promise<Output>;
  #taken = false;

  /** @param kind pipes, nothing, or the terminal of the person who is to see the command's own; where there can be none there are pipes */
  constructor(kind: "pipes" | "none" | TerminalStreams) {
    this.#made = kind === "none" ? Promise.resolve({}) : kind === "pipes" ? makePipes() : makePty(kind);
  }

  take(): Promise<Output> {
    this.#taken = true;
    return this.#made;
  }

  async close(): Promise<void> {
    if (this.#taken) return;
    const { pipes, pty } = await this.#made;
    closeOutputPipes(pipes);
    pty?.monitor.close();
  }
}

async function makePipes(): Promise<Output> {
  return { pipes: await makeOutputPipes(2) };
}

async function makePty(streams: TerminalStreams): Promise<Output> {
  const { preparePty } = await import("./pty/prepare-pty.js");
  const pty = await preparePty(streams);
  return pty ? { pty } : makePipes();
}
