import process from "node:process";
import { styleText } from "node:util";
import { printable, type Progress } from "@agent-vault/vault/read-only";

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

/** The person at the terminal. Questions go to the error stream, so data can be piped on. */
export const terminal = {
  canAsk(): boolean {
    return process.stdin.isTTY && process.stderr.isTTY;
  },

  /** Asks for a line that does not show. Ctrl-C ends the program as it would anywhere (130), with nothing changed. */
  askHidden(question: string): Promise<string> {
    const { stdin, stderr } = process;
    // Echo is off before the question shows, so that not even the first key of a fast answer is seen.
    stdin.setRawMode(true);
    stderr.write(question);
    stdin.setEncoding("utf8");
    stdin.resume();
    return new Promise((answer) => {
      const typed: string[] = [];
      const end = () => {
        stdin.off("data", read);
        stdin.setRawMode(false);
        stdin.pause();
        stderr.write("\n");
      };
      const read = (chunk: string) => {
        for (const key of chunk.replaceAll("\u001B[200~", "").replaceAll("\u001B[201~", "")) {
          if (key === "\u0003") {
            end();
            process.exit(130);
          } else if (key === "\r" || key === "\n" || key === "\u0004") {
            end();
            answer(typed.join(""));
            return;
          } else if (key === "\u007F" || key === "\b") typed.pop();
          else if (key === "\u0015") typed.length = 0;
          else typed.push(key);
        }
      };
      stdin.on("data", read);
    });
  },
};
