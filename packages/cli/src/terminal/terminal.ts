import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { VaultError } from "@agent-vault/vault/read-only";
import { askHidden } from "./ask-hidden.js";

/** The person at the terminal. Questions go to the error stream, so that data can be piped on. */
export const terminal = {
  /** Whether standard input is the person's keyboard. */
  canAsk(): boolean {
    return process.stdin.isTTY && process.stderr.isTTY;
  },

  /** Whether there is a person, even where standard input is something else. */
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

  /** Asks for a value that does not show and may have several lines. @throws VaultError `INVALID_VALUE` */
  askValue(question: string): Promise<string> {
    return askHidden(question);
  },

  /** Asks a question that a person answers with yes or no; anything but yes is a no. */
  async confirm(question: string): Promise<boolean> {
    return /^y(?:es)?$/i.test(await this.askLine(`${question} [y/N]`));
  },

  /** Asks for one line that shows. @returns it without the blanks around it */
  async askLine(question: string): Promise<string> {
    const { createInterface } = await import("node:readline/promises");
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    lines.on("SIGINT", () => {
      process.stderr.write("\n");
      process.exit(130);
    });
    try {
      return (await lines.question(`${question} `)).trim();
    } finally {
      lines.close();
    }
  },

  /** Asks for one line that does not show, on the terminal itself where standard input is something else. @throws VaultError `INVALID_VALUE` */
  async askPassphrase(question: string): Promise<string> {
    const passphrase = await askHidden(question);
    if (!passphrase.includes("\n")) return passphrase;
    throw new VaultError("INVALID_VALUE", "A passphrase is one line, and several were pasted.", { remedy: "Run the command again." });
  },
};
