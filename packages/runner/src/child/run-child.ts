import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, statSync } from "node:fs";
import { constants } from "node:os";
import process from "node:process";
import type { Duplex, Writable } from "node:stream";
import { isatty } from "node:tty";
import { exitCodeOf, detectHarness, printable, VaultError, type Context } from "@agent-vault/vault/read-only";
import { childEnvironment } from "./child-environment.js";
import { closeOutputPipes, makeOutputPipes, type OutputPipe } from "./output-pipes.js";
import { PassedSignals, type Place } from "./pass-signals.js";
import { endGroup, endTree } from "./end-processes.js";
import { processEntry } from "./process-table.js";
import { Pump } from "./pump.js";
import { shellCommand } from "./shell-command.js";
import { spawnError } from "./spawn-error.js";
import { Watch } from "./watchdog.js";

/** How long a child that ran out of time has to end by itself, in milliseconds. */
const GRACE = 5000;
const END_GROUP = `kill -s TERM -- "-$1"; sleep ${GRACE / 1000}; kill -s KILL -- "-$1"`;
/** The longest that a timer can be set to, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

export interface ChildRequest {
  /** The program and its words, which reach it as they are; with `shell` the line for a shell. */
  readonly command: readonly string[];
  readonly shell?: boolean | undefined;
  /** Absolute path. */
  readonly cwd: string;
  /** What the child may have beside the secrets; agent-vault's own variables are taken out here. */
  readonly env: Context["env"];
  /** Variables with secrets. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Passes on a short list of `env` only. */
  readonly clean?: boolean | undefined;
  /** Hands over the person's own terminal: nothing is scrubbed, and `stdout` and `stderr` are not used. */
  readonly tty?: boolean | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** Milliseconds between asking a child to end and ending it. */
  readonly grace?: number | undefined;
  /** Ends the child, with all that it started, when whoever asked for it no longer wants it. */
  readonly signal?: AbortSignal | undefined;
  /** Where standard input is none of the child's business, `ignore`. */
  readonly stdin?: "inherit" | "ignore" | undefined;
  readonly stdout: ChildOutput;
  readonly stderr: ChildOutput;
  /** Two pipes for them, where they were made before. */
  readonly pipes?: readonly OutputPipe[] | undefined;
}

/** Where a stream of the child's goes, and what it passes on the way there: the scrubber. */
export interface ChildOutput {
  readonly through: Duplex;
  /** Stays open. */
  readonly to: Writable;
}

/** How a child ended. */
export interface ChildEnd {
  /** As shells count: the child's own, 128 and the signal's number, 124 where the time was up. */
  readonly exitCode: number;
  /** What ended the child. */
  readonly signal: NodeJS.Signals | undefined;
  readonly timedOut: boolean;
  /** Whether whoever asked for it ended it. */
  readonly cancelled: boolean;
  /** The signals that we got, and the child with us. */
  readonly passedOn: ReadonlySet<NodeJS.Signals>;
  /** Why output could not be written, other than that its reader had seen enough. */
  readonly unwritten: Error | undefined;
}

/**
 * Runs a program with secrets in its environment, as a shell would run it. The program has a session and a process group of its own, so each
 * signal that we get reaches it once, a program that ran out of time ends with all that it started, and nothing of it writes past the scrubber by
 * way of `/dev/tty`. With `tty` it shares ours. Ends when the program ends, not when what it left behind does.
 * @throws VaultError `COMMAND_NOT_FOUND`, `COMMAND_NOT_EXECUTABLE`, `ENVIRONMENT_TOO_LARGE`, `INVALID_VALUE`, `FILE_NOT_FOUND` for the folder, `USAGE`
 * for a command of no words, or for `tty` where standard output is no terminal, `HARNESS_DENIED` for `tty` under a coding agent, `FAILED` where it
 * was cancelled before it began
 */
export async function runChild(request: ChildRequest): Promise<ChildEnd> {
  const { env, words } = prepared(request);
  const place = process.platform === "win32" ? "console" : request.tty ? "terminal" : "group";
  const pipes = request.tty ? undefined : (request.pipes ?? (await makeOutputPipes(2)));
  const signals = new PassedSignals(place);
  let child: ChildProcess;
  try {
    child = await start(words, {
      cwd: request.cwd,
      env,
      stdio: request.tty ? "inherit" : [stdinOf(request), pipes?.[0]!.writeEnd ?? "pipe", pipes?.[1]!.writeEnd ?? "pipe"],
      detached: place === "group",
      windowsHide: true,
      windowsVerbatimArguments: request.shell === true,
    });
  } catch (error) {
    signals.end();
    for (const { readEnd } of pipes ?? []) readEnd.destroy();
    throw error;
  } finally {
    for (const { writeEnd } of pipes ?? []) closeSync(writeEnd);
  }
  signals.passTo(place === "group" ? -child.pid! : child.pid!);
  if (request.tty) return { ...(await waitFor(child, request, place, signals)), unwritten: undefined };

  // What kills us and our whole group does not reach the child's.
  const watch = place === "group" ? new Watch(END_GROUP, String(child.pid)) : undefined;
  const { stdout, stderr } = request;
  const errors = takeOverErrors([stdout.to, stderr.to]);
  const pumps = [
    new Pump(pipes?.[0]!.readEnd ?? child.stdout!, stdout.through, stdout.to),
    new Pump(pipes?.[1]!.readEnd ?? child.stderr!, stderr.through, stderr.to),
  ];
  errors.handOn((to, error) => [stdout, stderr].forEach((output, index) => output.to === to && pumps[index]!.breakOff(error)));
  try {
    const end = await waitFor(child, request, place, signals);
    await Promise.all(pumps.map((pump) => pump.finish()));
    return { ...end, unwritten: pumps.find(({ failure }) => failure)?.failure };
  } finally {
    watch?.end();
    errors.giveBack();
  }
}

/** What the child is started with. Where it cannot be, pipes that were made for it are closed. */
function prepared(request: ChildRequest): { env: Record<string, string>; words: readonly string[] } {
  try {
    const env = childEnvironment(request.env, request.secrets ?? {}, request);
    const words = request.shell ? shellCommand(request.command, request.env) : request.command;
    refuseInvalid(request, words);
    return { env, words };
  } catch (error) {
    closeOutputPipes(request.pipes);
    throw error;
  }
}

function refuseInvalid(request: ChildRequest, words: readonly string[]): void {
  if (request.command.length === 0 || words[0] === "") {
    throw new VaultError("USAGE", "There is no command to run.", { remedy: "Give one after --." });
  }
  if (words.some((word) => word.includes("\0"))) {
    throw new VaultError("USAGE", "A word of the command holds a NUL byte, which no program can be given.", { remedy: "Leave it out." });
  }
  if (request.signal?.aborted) {
    throw new VaultError("FAILED", "The command was cancelled before it began.", { remedy: "Run it again." });
  }
  if (!statSync(request.cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new VaultError("FILE_NOT_FOUND", `There is no folder ${printable(request.cwd)} to run in.`, {
      remedy: "Give another one with --cwd.",
    });
  }
  if (!request.tty) return;
  const harness = detectHarness(request.env);
  if (harness !== undefined) {
    throw new VaultError("HARNESS_DENIED", `--tty shows secrets as they are, and this seems to be ${printable(harness)}.`, {
      remedy: "Run it without --tty, or from a terminal of your own.",
    });
  }
  if (!isatty(1)) {
    throw new VaultError("USAGE", "--tty hands over a terminal, and standard output is none.", {
      remedy: "Run it without --tty; what it prints is scrubbed then.",
    });
  }
}

type SpawnOptions = Parameters<typeof spawn>[2];

async function start(
  words: readonly string[],
  options: SpawnOptions & { cwd: string; env: Record<string, string> },
): Promise<ChildProcess> {
  const [program, ...rest] = words as [string, ...string[]];
  try {
    const child = spawn(program, rest, options);
    if (child.pid === undefined) await new Promise((_, failed) => child.once("error", failed));
    return child;
  } catch (error) {
    throw spawnError(error, program, options.cwd, options.env);
  }
}

/**
 * A child in a session of its own is not stopped when it reads the terminal from the background, and would take what the person types to the
 * shell. So there it has nothing to read, as under a shell without job control.
 */
function stdinOf(request: ChildRequest): "inherit" | "ignore" {
  if (request.stdin === "ignore" || (isatty(0) && isInBackground())) return "ignore";
  return "inherit";
}

function isInBackground(): boolean {
  const { group, foreground = 0 } = processEntry(process.pid) ?? {};
  return foreground > 0 && group !== foreground;
}

async function waitFor(
  child: ChildProcess,
  { timeout, grace = GRACE, signal: cancellation }: ChildRequest,
  place: Place,
  signals: PassedSignals,
): Promise<Omit<ChildEnd, "unwritten">> {
  let ending: Promise<void> | undefined;
  let timedOut = false;
  const end = () => {
    ending ??= place === "group" ? endGroup(child.pid!, grace) : endTree(child.pid!, grace);
  };
  const outOfTime = () => {
    timedOut = ending === undefined;
    end();
  };
  const timer = timeout === undefined ? undefined : setTimeout(outOfTime, Math.min(timeout, LONGEST_TIMEOUT));
  if (cancellation?.aborted) end();
  cancellation?.addEventListener("abort", end);
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  cancellation?.removeEventListener("abort", end);
  signals.end();
  await ending;
  const cancelled = ending !== undefined && !timedOut;
  const exitCode = timedOut ? exitCodeOf("TIMED_OUT") : signal ? 128 + constants.signals[signal] : code!;
  return { exitCode, signal: signal ?? undefined, timedOut, cancelled, passedOn: signals.seen };
}

interface TakenErrors {
  /** Says who is told of a stream's errors. */
  handOn(listener: (to: Writable, error: Error) => void): void;
  giveBack(): void;
}

/** A reader that is gone ends the child's stream, and not us, until the child has ended. */
function takeOverErrors(streams: readonly Writable[]): TakenErrors {
  let handOn: (to: Writable, error: Error) => void = () => {};
  const taken = [...new Set(streams)].map((to) => {
    const others = to.listeners("error") as ((error: Error) => void)[];
    const listener = (error: Error) => handOn(to, error);
    to.removeAllListeners("error").on("error", listener);
    return { to, others, listener };
  });
  return {
    handOn: (listener) => {
      handOn = listener;
    },
    giveBack: () => {
      for (const { to, others, listener } of taken) {
        to.off("error", listener);
        for (const other of others) to.on("error", other);
      }
    },
  };
}

/**
 * Ends this process as its child has ended; to be called last. Where Ctrl-C ended both, that is by the same signal: a shell that runs us in a loop would otherwise go
 * on with the loop.
 */
export function endLike(end: ChildEnd): void {
  process.exitCode = end.exitCode;
  if (end.signal === "SIGINT" && end.passedOn.has("SIGINT") && process.platform !== "win32") process.kill(process.pid, "SIGINT");
}
