import process from "node:process";
import type { Progress } from "@agent-vault/vault/read-only";

/** Work that ends sooner shows no line, and a line changes no more often. */
const INTERVAL_MS = 100;

/** One line on the terminal's error stream that shows how far long work has come. */
export class ProgressLine {
  #shownAt = 0;
  #visible = false;

  show({ step, done, total }: Progress): void {
    const now = performance.now();
    if (this.#shownAt === 0) this.#shownAt = now;
    if (now - this.#shownAt < INTERVAL_MS) return;
    this.#shownAt = now;
    this.#visible = true;
    process.stderr.write(`\r\u001B[K${step} ${done}/${total}`);
  }

  clear(): void {
    if (this.#visible) process.stderr.write("\r\u001B[K");
    this.#visible = false;
  }
}
