import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { ReadStream, WriteStream } from "node:tty";
import { SYSTEM_ENVIRONMENT } from "../system-environment.js";
import type { TerminalSize } from "./pty-process.js";

/** What is typed goes on byte by byte, and what comes is shown byte by byte: the command's own terminal makes the rest of it. */
const RAW = ["raw", "-echo", "-iexten"];

/** The standard input and output, which are a terminal. */
export interface TerminalStreams {
  readonly input: ReadStream;
  readonly output: WriteStream;
}

/** The terminal that a person sees and types on, while a command has one of its own. */
export class PersonsTerminal {
  /** As `stty -g` tells them. */
  readonly settings: string;
  readonly #streams: TerminalStreams;
  readonly #restore = () => this.leave();
  #onInput: ((chunk: Buffer) => void) | undefined;
  #isEntered = false;

  private constructor(streams: TerminalStreams, settings: string) {
    this.#streams = streams;
    this.settings = settings;
  }

  /** Reads its settings. @returns `undefined` where they cannot be read */
  static async open(streams: TerminalStreams): Promise<PersonsTerminal | undefined> {
    const stty = spawn("stty", ["-g"], { env: SYSTEM_ENVIRONMENT, stdio: ["inherit", "pipe", "ignore"] });
    let settings = "";
    stty.stdout.setEncoding("utf8").on("data", (text: string) => (settings += text));
    const [code] = (await once(stty, "close").catch(() => [1])) as [number | null];
    return code === 0 && /^[\w:=]+\s*$/.test(settings) ? new PersonsTerminal(streams, settings.trim()) : undefined;
  }

  get size(): TerminalSize {
    const [columns, rows] = this.#streams.output.getWindowSize();
    return { columns: columns || 80, rows: rows || 24 };
  }

  /** Hands over what is typed, from now on. */
  enter(onInput: (chunk: Buffer) => void): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    process.once("exit", this.#restore);
    spawnSync("stty", RAW, { env: SYSTEM_ENVIRONMENT, stdio: ["inherit", "ignore", "ignore"] });
    this.#onInput = onInput;
    this.#streams.input.on("data", onInput).resume();
  }

  /** Takes nothing more that is typed: it is for whatever reads the terminal next. */
  stopReading(): void {
    if (this.#onInput) this.#streams.input.pause().off("data", this.#onInput);
    this.#onInput = undefined;
  }

  /** Leaves it as it was. */
  leave(): void {
    this.stopReading();
    if (!this.#isEntered) return;
    this.#isEntered = false;
    process.off("exit", this.#restore);
    spawnSync("stty", [this.settings], { env: SYSTEM_ENVIRONMENT, stdio: ["inherit", "ignore", "ignore"] });
  }
}
