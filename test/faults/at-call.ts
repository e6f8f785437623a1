import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Readable } from "node:stream";
import { CLI, type Outcome, type Sandbox } from "../support/sandbox.js";

const PRELOAD = join(import.meta.dirname, "at-call.cjs");

/** One command line, to be run again and again. */
export interface CommandLine {
  readonly words: readonly string[];
  readonly input?: string;
}

/** The calls that count: those that change the disk, or with "all" those that read it as well. */
export type CallKind = "changes" | "all";

export interface Watched {
  readonly kind?: CallKind;
  /** The call, from 1, at which something is to happen. */
  readonly at?: number;
  /** A shell command to run at that call; without it the process is killed. */
  readonly run?: string;
  /** A file that gets the names of the calls. */
  readonly record?: string;
}

export interface WatchedRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it has said, once every child process has ended as well, those of a killed process too. */
  readonly ended: Promise<Outcome>;
}

/** Runs a command line under the preload `at-call.cjs`, until the command itself has ended. */
export function runWatched(box: Sandbox, line: CommandLine, watched: Watched): Promise<WatchedRun> {
  return startWatched(box, line, watched).exited;
}

/** The same for a command that is to be killed from outside. */
export function startWatched(
  box: Sandbox,
  { words, input = "" }: CommandLine,
  { kind = "changes", at, run, record }: Watched,
): { kill(): void; exited: Promise<WatchedRun> } {
  const env = {
    ...box.env,
    AT_CALL_BELOW: box.root,
    AT_CALL_KIND: kind,
    ...(at !== undefined && { AT_CALL: String(at) }),
    ...(run !== undefined && { AT_CALL_RUN: run }),
    ...(record !== undefined && { AT_CALL_RECORD: record }),
  };
  const child = spawn(process.execPath, ["--require", PRELOAD, CLI, ...words], {
    cwd: box.repository,
    env,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  (child.stdio[3] as Readable).on("error", () => {}).resume();
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const ended = new Promise<Outcome>((done) => {
    child.once("close", (code, signal) => done({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }));
  });
  const exited = new Promise<WatchedRun>((done, failed) => {
    child.once("error", failed);
    child.once("exit", (code, signal) => done({ code, signal, ended }));
  });
  return { kill: () => void child.kill("SIGKILL"), exited };
}

/** The calls of a run in which nothing is done to it, in their order. */
export async function recordCalls(box: Sandbox, line: CommandLine, kind: CallKind = "changes"): Promise<string[]> {
  const record = join(box.root, "calls");
  const { ended } = await runWatched(box, line, { kind, record });
  const { code, stderr } = await ended;
  if (code !== 0 || stderr !== "") throw new Error(`agent-vault ${line.words.join(" ")} ended with ${code}: ${stderr}`);
  return readFileSync(record, "utf8").trimEnd().split("\n");
}

/**
 * Does something to a copy of a machine at some of a run's calls, two copies at a time: while one waits for a process, the other can go on.
 * @param places the calls, by their index; what fails says at which
 */
export async function atEach(
  calls: readonly string[],
  places: readonly number[],
  copy: () => Promise<Sandbox>,
  look: (box: Sandbox, index: number) => Promise<void>,
): Promise<void> {
  const left = [...places];
  async function goThrough(): Promise<void> {
    for (let index = left.shift(); index !== undefined; index = left.shift()) {
      const box = await copy();
      try {
        await look(box, index);
      } catch (error) {
        left.length = 0;
        throw new Error(`at call ${index + 1} of ${calls.length}: ${calls[index]}`, { cause: error });
      }
      rmSync(box.root, { recursive: true });
    }
  }
  await Promise.all([goThrough(), goThrough()]);
}
