import type { Readable, Writable } from "node:stream";

/** The size of a terminal. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a pseudo-terminal is started with. */
export interface PtyRequest {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly size: TerminalSize;
}

/** A process that leads a pseudo-terminal, which is its standard input, output and error and its controlling terminal. */
export interface PtyProcess {
  /** What is written to the terminal. Its end, or an error, comes when nothing holds the terminal any more; another process can go on with it. */
  readonly output: Readable;
  /** Takes what is typed. */
  readonly input: Writable;
  /** Resolves when the process has ended, to its exit code and the number of the signal that ended it, else 0. */
  readonly exited: Promise<{ readonly exitCode: number; readonly signal: number }>;
  /** @param leader the process that leads the terminal, where it is known */
  resize(size: TerminalSize, leader: number | undefined): void;
}

/** Starts a process on a new pseudo-terminal. */
export type StartPty = (request: PtyRequest) => PtyProcess;
