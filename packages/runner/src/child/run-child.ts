import { spawn, type ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import process from "node:process";
import { isatty } from "node:tty";
import type { ChildEnd, ChildRequest } from "./child-request.js";
import { isInBackground } from "./in-background.js";
import { takeOverErrors } from "./output-errors.js";
import { makeOutputPipes } from "./output-pipes.js";
import { isSameDestination } from "./same-destination.js";
import { PassedSignals, processTarget } from "./pass-signals.js";
import { prepareCommand } from "./prepare-command.js";
import { finishOutputs } from "./finish-outputs.js";
import { Pump } from "./pump.js";
import { spawnError } from "./spawn-error.js";
import { GRACE_MS, waitForChild } from "./wait-for-child.js";
import { Watchdog } from "./watchdog.js";

const END_GROUP = `kill -s TERM -- "-$1"; sleep ${GRACE_MS / 1000}; kill -s KILL -- "-$1"`;

/**
 * Runs a program with secrets in its environment, as a shell would run it. The program has a session and a process group of its own, so each
 * signal that we get reaches it once, a program that ran out of time ends with all that it started, and nothing of it writes past the scrubber by
 * way of `/dev/tty`. With `tty` it shares ours, and with `pty` it has a terminal of its own. Where both its outputs go to one place, they are one
 * pipe, so that they keep their order. Ends when the program ends, not when what it left behind does: that goes on, and so does the scrubbing.
 * @throws VaultError `COMMAND_NOT_FOUND`, `COMMAND_NOT_EXECUTABLE`, `ENVIRONMENT_TOO_LARGE`, `INVALID_VALUE`, `FILE_NOT_FOUND` for the folder, `USAGE`
 * for an empty command, or for `tty` where standard output is not a terminal, `HARNESS_DENIED` for `tty` under a coding agent, `FAILED` where it
 * was cancelled before it started
 */
export async function runChild(request: ChildRequest): Promise<ChildEnd> {
  const prepared = prepareCommand(request);
  const { env, command } = prepared;
  if (request.pty) {
    const { openPersonsTerminal } = await import("./pty/prepare-pty.js");
    const terminal = await openPersonsTerminal(request.pty);
    if (terminal) return (await import("./pty/run-in-pty.js")).runInPty(request, prepared, request.pty, terminal);
    request.pty.monitor.close();
  }
  const groupKind = process.platform === "win32" ? "console" : request.tty ? "terminal" : "group";
  const pipes = request.tty ? undefined : (request.pipes ?? (await makeOutputPipes(2)));
  const joined = pipes !== undefined && isSameDestination(request.stdout.to, request.stderr.to);
  const signals = new PassedSignals(groupKind);
  let child: ChildProcess;
  try {
    child = await start(command, {
      cwd: request.cwd,
      env,
      stdio: request.tty
        ? "inherit"
        : [stdinOf(request), pipes?.[0]!.writeEnd ?? "pipe", (joined ? pipes?.[0] : pipes?.[1])?.writeEnd ?? "pipe"],
      detached: groupKind === "group",
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
  signals.passTo(processTarget(groupKind === "group" ? -child.pid! : child.pid!));
  if (request.tty) return { ...(await waitForChild(child, request, groupKind, signals)), unwritten: undefined };

  // What kills us and our whole group does not reach the child's.
  const watchdog = groupKind === "group" ? new Watchdog(END_GROUP, [String(child.pid)]) : undefined;
  const { stdout, stderr } = request;
  const errors = takeOverErrors([stdout.to, stderr.to]);
  const pumps = [
    new Pump(pipes?.[0]!.readEnd ?? child.stdout!, stdout.through, stdout.to),
    ...(joined ? [] : [new Pump(pipes?.[1]!.readEnd ?? child.stderr!, stderr.through, stderr.to)]),
  ];
  if (joined) pipes[1]!.readEnd.destroy();
  errors.listen((to, error) =>
    [stdout, stderr].forEach((output, index) => output.to === to && (pumps[index] ?? pumps[0]!).breakOff(error)),
  );
  try {
    const end = await waitForChild(child, request, groupKind, signals);
    await finishOutputs(
      pumps.map((pump, index) => ({ pump, to: [stdout, stderr][index]!.to })),
      request,
    );
    return { ...end, unwritten: pumps.find(({ failure }) => failure)?.failure };
  } finally {
    watchdog?.end();
    errors.release();
  }
}

type SpawnOptions = Parameters<typeof spawn>[2];

async function start(
  command: readonly string[],
  options: SpawnOptions & { cwd: string; env: Record<string, string> },
): Promise<ChildProcess> {
  const [program, ...args] = command as [string, ...string[]];
  try {
    const child = spawn(program, args, options);
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

/**
 * Ends this process as its child has ended; to be called last. Where Ctrl-C ended both, that is by the same signal: a shell that runs us in a loop would otherwise go
 * on with the loop.
 */
export function endLike(end: ChildEnd): void {
  process.exitCode = end.exitCode;
  if (end.leftTerminal) process.exit();
  if (end.signal === "SIGINT" && end.passedOn.has("SIGINT") && process.platform !== "win32") process.kill(process.pid, "SIGINT");
}
