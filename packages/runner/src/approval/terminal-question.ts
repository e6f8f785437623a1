import { closeSync, constants, openSync, readSync } from "node:fs";
import process from "node:process";
import { ReadStream, WriteStream } from "node:tty";
import { isSystemError } from "@agent-vault/vault/read-only";
import type { ApprovalQuestion, Reply } from "./reply.js";
import { questionText } from "./question-text.js";

const TERMINAL = "/dev/tty";
/** Lines for the rest of the question. */
const OTHER_LINES = 12;
const CLOSED: Reply = { scope: "deny", why: "the terminal was closed." };

/**
 * Asks on the terminal that this was started from, whatever the standard streams are. What was typed before the question does not count.
 * @returns `undefined` where there is no terminal
 */
export async function askOnTerminal(question: ApprovalQuestion, timeoutMs: number): Promise<Reply | undefined> {
  const terminal = process.platform === "win32" ? undefined : openTerminal();
  if (!terminal) return undefined;
  const { keyboard, screen } = terminal;
  try {
    return await converse(terminal, question, timeoutMs);
  } catch (error) {
    if (isSystemError(error)) return CLOSED;
    throw error;
  } finally {
    keyboard.destroy();
    screen.destroy();
  }
}

interface Terminal {
  readonly keyboard: ReadStream;
  readonly screen: WriteStream;
}

async function converse({ keyboard, screen }: Terminal, question: ApprovalQuestion, timeoutMs: number): Promise<Reply> {
  const width = Math.min(Math.max(screen.columns || 80, 40), 120);
  const lines = Math.max(4, Math.floor(((screen.rows || 24) - OTHER_LINES) / 2));
  const { text, complete } = questionText(question.request, { width, lines }, question.before);
  const until = performance.now() + timeoutMs;
  forgetTyped(keyboard);
  let shown = `\n${text}\n\n${asked(question, complete)}`;
  for (;;) {
    // It listens before it asks, so that the fastest Ctrl-C is an answer, too.
    const reply = lineOf(keyboard, until - performance.now());
    screen.write(shown);
    const typed = await reply;
    if (typeof typed !== "string") {
      screen.write("\n");
      return typed;
    }
    const answer = typed.trim().toLowerCase();
    if (answer === "once") return { scope: "once" };
    if (answer === "session" && question.forSession) return { scope: "session" };
    if (answer !== "show" || complete) return { scope: "deny", why: "the answer was no." };
    const all = questionText(question.request, { width, lines: Infinity }, question.before).text;
    shown = `\n${all}\n\n${asked(question, true)}`;
  }
}

function asked({ forSession }: ApprovalQuestion, complete: boolean): string {
  const session = forSession ? "session to allow exactly this until the session ends, " : "";
  const more = complete ? "" : "show to see all of it, ";
  return `Type once to allow it, ${session}${more}anything else to deny: `;
}

function openTerminal(): Terminal | undefined {
  try {
    const screen = new WriteStream(openSync(TERMINAL, constants.O_WRONLY | constants.O_NOCTTY));
    const keyboard = new ReadStream(openSync(TERMINAL, constants.O_RDONLY | constants.O_NOCTTY));
    screen.on("error", () => {});
    return { keyboard, screen };
  } catch {
    return undefined;
  }
}

/** Takes what was typed before the question showed, half a line too, and throws it away. */
function forgetTyped(keyboard: ReadStream): void {
  keyboard.setRawMode(true);
  const typed = openSync(TERMINAL, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(4096);
    while (readSync(typed, bytes) > 0);
  } catch (error) {
    if (!isSystemError(error, "EAGAIN")) throw error;
  } finally {
    closeSync(typed);
    keyboard.setRawMode(false);
  }
}

/** A line that a person types, or why there is none. */
function lineOf(keyboard: ReadStream, timeoutMs: number): Promise<string | Reply> {
  return new Promise((done) => {
    let line = "";
    const end = (result: string | Reply) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupted);
      keyboard.off("data", take).off("end", closed).off("error", closed).pause();
      done(result);
    };
    const interrupted = () => end({ scope: "deny", why: "the question was interrupted." });
    const closed = () => end(CLOSED);
    const take = (text: string) => {
      line += text;
      if (line.includes("\n")) end(line);
    };
    const timer = setTimeout(() => end({ scope: "deny", why: "nobody answered in time." }), Math.max(timeoutMs, 0));
    process.on("SIGINT", interrupted);
    keyboard.setEncoding("utf8").on("data", take).on("end", closed).on("error", closed).resume();
  });
}
