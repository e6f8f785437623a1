import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { CLI, Sandbox, type Outcome } from "../support/sandbox.js";
import { SCRATCH } from "../support/scratch.js";

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
  /** A folder that gets a copy of the machine before each call that finds it different, and the numbers of these copies go before the names. */
  readonly states?: string;
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
  { kind = "changes", at, run, record, states }: Watched,
): { kill(): void; exited: Promise<WatchedRun> } {
  const env = {
    ...box.env,
    AT_CALL_BELOW: box.root,
    AT_CALL_KIND: kind,
    ...(at !== undefined && { AT_CALL: String(at) }),
    ...(run !== undefined && { AT_CALL_RUN: run }),
    ...(record !== undefined && { AT_CALL_RECORD: record }),
    ...(states !== undefined && { AT_CALL_STATES: states }),
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
  return recordRun(box, line, { kind });
}

/** A death before a call, the index of which it is. */
export interface Death {
  readonly index: number;
  /** A folder with what the machine is then; without it the process must be killed for that to be known. */
  readonly state?: string;
}

/**
 * The deaths of a run that leave something else than every death before them. What a process leaves that dies before a call is what the
 * disk holds at that call, so one run shows it for all calls. Only what a child makes of its parent's death must be seen to be known, and a
 * child that changes nothing while its parent lives changes nothing without it either.
 */
export async function recordDeaths(box: Sandbox, line: CommandLine): Promise<{ readonly calls: string[]; readonly deaths: Death[] }> {
  const states = mkdtempSync(join(SCRATCH, "agent-vault-states-"));
  onTestFinished(() => rmSync(states, { recursive: true, force: true }));
  const seen = (await recordRun(box, line, { states })).map((text) => {
    const [, state, call] = /^(\d+) (.*)$/.exec(text)!;
    return { state: state!, call: call! };
  });
  const deaths = seen.flatMap(({ state, call }, index): Death[] => {
    const isNew = state !== seen[index - 1]?.state;
    const isChild = /^(?:spawn|input) /.test(call);
    const next = seen.slice(index + 1).find((later) => !later.call.startsWith("input "));
    return [...(isNew ? [{ index, state: join(states, state) }] : []), ...(isChild && state !== next?.state ? [{ index }] : [])];
  });
  return { calls: seen.map(({ call }) => call), deaths };
}

async function recordRun(box: Sandbox, line: CommandLine, watched: Watched): Promise<string[]> {
  const record = `${box.root}-calls`;
  onTestFinished(() => rmSync(record, { force: true }));
  const { ended } = await runWatched(box, line, { ...watched, record });
  const { code, stderr } = await ended;
  if (code !== 0 || stderr !== "") throw new Error(`agent-vault ${line.words.join(" ")} ended with ${code}: ${stderr}`);
  return readFileSync(record, "utf8").trimEnd().split("\n");
}

/**
 * Does something to a machine at some of a run's calls, two machines at a time: while one waits for a process, the other can go on.
 * @param places the calls; what fails says at which
 * @param copy makes the machine where a place has no state of its own
 * @param look gets the machine, the call's number from 1, and whether its process is dead already
 */
export async function atEach(
  calls: readonly string[],
  places: readonly Death[],
  copy: () => Promise<Sandbox>,
  look: (box: Sandbox, at: number, isDead: boolean) => Promise<void>,
): Promise<void> {
  const left = [...places];
  async function goThrough(): Promise<void> {
    for (let place = left.shift(); place !== undefined; place = left.shift()) {
      const { index, state } = place;
      const box = state === undefined ? await copy() : machineIn(state);
      try {
        await look(box, index + 1, state !== undefined);
      } catch (error) {
        left.length = 0;
        throw new Error(`at call ${index + 1} of ${calls.length}: ${calls[index]}`, { cause: error });
      }
      rmSync(box.root, { recursive: true });
    }
  }
  await Promise.all([goThrough(), goThrough()]);
}

function machineIn(state: string): Sandbox {
  const box = new Sandbox({ git: false });
  for (const name of ["home", "repository"]) renameSync(join(state, name), join(box.root, name));
  return box;
}
