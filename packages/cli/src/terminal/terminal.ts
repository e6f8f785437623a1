import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { ReadStream } from "node:tty";
import { styleText } from "node:util";
import { printable, VaultError, type Progress } from "@agent-vault/vault/read-only";
import { HiddenInput } from "./hidden-input.js";

/** Says something to the person that is no data. */
export function warn(message: string): void {
  process.stderr.write(`${colour("yellow", "warning:")} ${message.split("\n").map(printable).join("\n")}\n`);
}

export function colour(name: "red" | "yellow" | "dim", text: string): string {
  return process.stderr.isTTY && !process.env["NO_COLOR"] ? styleText(name, text) : text;
}

/** One line on the terminal's error stream that shows how far long work has come. */
export class ProgressLine {
  #shownAt = 0;
  #visible = false;

  show({ step, done, total }: Progress): void {
    const now = performance.now();
    if (this.#shownAt === 0) this.#shownAt = now;
    // Short work needs no line, and a line needs no more than ten pictures a second.
    if (now - this.#shownAt < 100) return;
    this.#shownAt = now;
    this.#visible = true;
    process.stderr.write(`\r\u001B[K${step} ${done}/${total}`);
  }

  clear(): void {
    if (this.#visible) process.stderr.write("\r\u001B[K");
    this.#visible = false;
  }
}

/** How long a paste may pause between two lines, in milliseconds, where the terminal does not bracket it. Nobody types that fast. */
const PASTE_PAUSE = 50;
const BRACKET_PASTES = "\u001B[?2004h";
const BRACKET_NO_PASTES = "\u001B[?2004l";

/** The person at the terminal. Questions go to the error stream, so data can be piped on. */
export const terminal = {
  /** Whether standard input is the person's keyboard. */
  canAsk(): boolean {
    return process.stdin.isTTY && process.stderr.isTTY;
  },

  /** Whether there is a person, whatever standard input is. */
  canAskPassphrase(): boolean {
    if (!process.stderr.isTTY) return false;
    if (process.stdin.isTTY) return true;
    try {
      closeSync(openSync("/dev/tty", "r"));
      return true;
    } catch {
      return false;
    }
  },

  /**
   * Asks for a value that does not show. A paste is taken whole. Ctrl-C ends the program as it would anywhere (130), with nothing changed.
   * @throws VaultError `INVALID_VALUE`
   */
  async askValue(question: string): Promise<string> {
    return ask(question);
  },

  /** Asks a question that a person answers with yes or no; anything but yes is a no. */
  async confirm(question: string): Promise<boolean> {
    const { createInterface } = await import("node:readline/promises");
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    lines.on("SIGINT", () => {
      process.stderr.write("\n");
      process.exit(130);
    });
    try {
      return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
    } finally {
      lines.close();
    }
  },

  /** Asks for a line that does not show, by the terminal itself where standard input holds something else. @throws VaultError `INVALID_VALUE` */
  async askPassphrase(question: string): Promise<string> {
    const passphrase = await ask(question);
    if (!passphrase.includes("\n")) return passphrase;
    throw new VaultError("INVALID_VALUE", "A passphrase is one line, and more were pasted.", { remedy: "Run the command again." });
  },
};

let openKeyboard: ReadStream | undefined;
let echo: NodeJS.Immediate | undefined;

function ask(question: string): Promise<string> {
  const { stderr } = process;
  const brackets = process.env["TERM"] !== "dumb";
  const keyboard = (openKeyboard ??= process.stdin.isTTY ? process.stdin : new ReadStream(openSync("/dev/tty", "r")));
  // Echo is off before the question shows, so that not even the first key of a fast answer is seen.
  clearImmediate(echo);
  keyboard.setRawMode(true);
  stderr.write(`${brackets ? BRACKET_PASTES : ""}${question}`);
  keyboard.setEncoding("utf8");
  keyboard.resume();
  return new Promise((answer, failed) => {
    const input = new HiddenInput();
    let pause: NodeJS.Timeout | undefined;
    const close = () => {
      clearTimeout(pause);
      keyboard.off("data", read).off("end", interrupt);
      keyboard.pause();
      // It stays off while a passphrase is worked at: what is typed meanwhile may be the answer to the next question.
      echo = setImmediate(() => {
        keyboard.setRawMode(false);
        if (keyboard === process.stdin) return;
        keyboard.destroy();
        openKeyboard = undefined;
      });
      stderr.write(`${brackets ? BRACKET_NO_PASTES : ""}\n`);
    };
    const interrupt = () => {
      close();
      keyboard.setRawMode(false);
      process.exit(130);
    };
    const end = () => {
      close();
      if (!input.damaged) return answer(input.text);
      failed(
        new VaultError("INVALID_VALUE", "What was pasted holds control characters, which no terminal hands on faithfully.", {
          remedy: "Take it from a file (--from-file FILE) or pipe it in.",
        }),
      );
    };
    const read = (chunk: string) => {
      if (pause) input.goOn();
      clearTimeout(pause);
      pause = undefined;
      const key = input.take(chunk);
      if (key === "interrupt") interrupt();
      else if (key === "end") end();
      else if (key === "enter") pause = setTimeout(end, PASTE_PAUSE);
    };
    keyboard.on("data", read).on("end", interrupt);
  });
}
