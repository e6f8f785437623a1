import process from "node:process";
import { styleText } from "node:util";
import { printable } from "@agent-vault/vault/read-only";

/** Prints a warning on the error stream, so that it does not mix with data. */
export function warn(message: string): void {
  process.stderr.write(`${colour("yellow", "warning:")} ${message.split("\n").map(printable).join("\n")}\n`);
}

/** Colours text for the error stream, where that is a terminal and `NO_COLOR` is not set. */
export function colour(name: "red" | "yellow" | "dim", text: string): string {
  return process.stderr.isTTY && !process.env["NO_COLOR"] ? styleText(name, text) : text;
}
