import { openSync } from "node:fs";
import process from "node:process";
import { ReadStream } from "node:tty";
import { VaultError } from "@agent-vault/vault/read-only";
import { HiddenInput } from "./hidden-input.js";

/** A paste may pause this long between two lines, where the terminal does not bracket it. Nobody types that fast. */
const PASTE_PAUSE_MS = 50;
const BRACKETED_PASTE_ON = "\u001B[?2004h";
const BRACKETED_PASTE_OFF = "\u001B[?2004l";

/**
 * Asks a question whose answer does not show. A paste is taken whole, with all its lines. Ctrl-C ends the program with 130, as it would
 * anywhere.
 * @throws VaultError `INVALID_VALUE` for pasted control characters
 */
export function askHidden(question: string): Promise<string> {
  const canBracket = process.env["TERM"] !== "dumb";
  const keyboard = openKeyboard();
  process.stderr.write(`${canBracket ? BRACKETED_PASTE_ON : ""}${question}`);
  return new Promise((answer, failed) => {
    const input = new HiddenInput();
    let pause: NodeJS.Timeout | undefined;
    const stop = () => {
      clearTimeout(pause);
      keyboard.off("data", read).off("end", interrupt);
      releaseKeyboard(keyboard);
      process.stderr.write(`${canBracket ? BRACKETED_PASTE_OFF : ""}\n`);
    };
    const interrupt = () => {
      stop();
      keyboard.setRawMode(false);
      process.exit(130);
    };
    const end = () => {
      stop();
      if (input.damaged) failed(damagedPaste());
      else answer(input.text);
    };
    const read = (chunk: string) => {
      if (pause) input.goOn();
      clearTimeout(pause);
      pause = undefined;
      const key = input.take(chunk);
      if (key === "interrupt") interrupt();
      else if (key === "end") end();
      else if (key === "enter") pause = setTimeout(end, PASTE_PAUSE_MS);
    };
    keyboard.on("data", read).on("end", interrupt);
  });
}

let current: ReadStream | undefined;
let release: NodeJS.Immediate | undefined;

/** The terminal's input, with echo off: before the question shows, so that not even the first key of a fast answer is seen. */
function openKeyboard(): ReadStream {
  clearImmediate(release);
  current ??= process.stdin.isTTY ? process.stdin : new ReadStream(openSync("/dev/tty", "r"));
  current.setRawMode(true);
  current.setEncoding("utf8");
  return current.resume();
}

/** Echo stays off while the program works with the answer, since what is typed meanwhile may answer the next question. */
function releaseKeyboard(keyboard: ReadStream): void {
  keyboard.pause();
  release = setImmediate(() => {
    keyboard.setRawMode(false);
    if (keyboard === process.stdin) return;
    keyboard.destroy();
    current = undefined;
  });
}

function damagedPaste(): VaultError {
  return new VaultError("INVALID_VALUE", "The pasted text contains control characters, which terminals do not pass on reliably.", {
    remedy: "Read it from a file (--from-file FILE) or pipe it in.",
  });
}
