import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import type { SimpleGit } from "simple-git";
import type { Context } from "../context.js";
import { gitEnvironment, SAFE_CONFIGURATION, type EnvironmentOptions } from "./environment.js";
import { gitFailed, gitNotStarted, type GitError } from "./errors.js";

/** The input and the additional variables of one run of git. */
export interface GitOptions {
  /** Bytes for git's standard input. */
  readonly input?: Uint8Array;
  /** Variables on top of the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs git in a folder and gives its standard output as text.
 *
 * This goes through simple-git, as all runs do that it can carry. Three kinds cannot, and are made by {@link startGit} and `runGitSync`:
 *
 * - Output that is bytes, such as objects and names of files, and that is taken piece by piece: simple-git gives text, or one whole buffer
 *   for `cat-file` alone.
 * - Commands that talk to a remote: simple-git's limit ends git, and not the programs that git leaves the talking to.
 * - Answers that a call which cannot wait needs: simple-git has no synchronous call.
 *
 * All of them have one environment (environment.ts) and fail with one error (errors.ts).
 * @throws GitError
 */
export async function runGit(context: Context, folder: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  if (!existsSync(folder)) throw gitNotStarted(folder, undefined);
  let failure: GitError | undefined;
  const git = await clientFor(context, folder, options, (exit, stderr) => {
    failure = /spawn git ENOENT/.test(stderr) ? gitNotStarted(folder, new Error(stderr)) : gitFailed({ args, exit, stderr });
  });
  try {
    return await git.raw(...args);
  } catch (error) {
    throw failure ?? gitFailed({ args, exit: null, stderr: error instanceof Error ? error.message : String(error) });
  }
}

/** How a run of git ended, and what it printed. */
export interface GitOutput {
  /** Its exit code, or the signal that ended it. */
  readonly exit: number | NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs git and gives what it printed as bytes, also where it failed. @throws GitError where it cannot be started */
export async function runGitForOutput(
  context: Context,
  folder: string,
  args: readonly string[],
  environment?: EnvironmentOptions,
): Promise<GitOutput> {
  const child = startGit(context, folder, args, { stdio: ["ignore", "pipe", "pipe"], environment });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout!.on("data", (bytes: Buffer) => stdout.push(bytes));
  child.stderr!.on("data", (bytes: Buffer) => stderr.push(bytes));
  const exit = await exitOf(child, folder);
  return { exit, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString("utf8") };
}

/** Waits for the end of a git, and of its output. @throws GitError where it could not be started */
export function exitOf(child: ChildProcess, folder: string): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve, reject) => {
    child.once("close", (code, signal) => resolve(code ?? signal));
    child.once("error", (error) => reject(gitNotStarted(folder, error)));
  });
}

/**
 * Starts git in a folder; the caller reads its output and waits for its end.
 * @param stdio and the other options of the system that the caller needs
 */
export function startGit(
  context: Context,
  folder: string,
  args: readonly string[],
  { environment, ...options }: Pick<SpawnOptions, "stdio" | "detached"> & { readonly environment?: EnvironmentOptions | undefined } = {},
): ChildProcess {
  const child = spawn("git", ["-c", SAFE_CONFIGURATION, ...args], {
    cwd: folder,
    env: gitEnvironment(context.env, environment),
    windowsHide: true,
    ...options,
  });
  // A git that ends before it has read its input says why by its exit code.
  child.stdin?.on("error", () => {});
  return child;
}

/** simple-git, loaded with the first use, since reading a secret needs none. @param failed is told how a run failed */
async function clientFor(
  context: Context,
  folder: string,
  { env: extra = {}, input }: GitOptions,
  failed: (exit: number, stderr: string) => void,
): Promise<SimpleGit> {
  const { simpleGit } = await import("simple-git");
  const env = gitEnvironment(context.env, { extra });
  // The arguments are ours; what is allowed here is the person's own environment, as git itself would take it.
  const git = simpleGit({
    baseDir: folder,
    trimmed: false,
    config: [SAFE_CONFIGURATION],
    // Output is read to its end: under load it may come later than the end of the process.
    completion: { onClose: true, onExit: false },
    errors(error, { exitCode, stdErr }) {
      if (!error && exitCode === 0) return undefined;
      const stderr = Buffer.concat(stdErr).toString("utf8");
      failed(exitCode, error instanceof Error ? `${error.message}\n${stderr}` : stderr);
      return Buffer.from("git failed");
    },
    ...(input && { input: () => Buffer.from(input.buffer, input.byteOffset, input.length) }),
    allowEnvironment: Object.keys(env),
    unsafe: {
      allowUnsafeAskPass: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeDiffExternal: true,
      allowUnsafeEditor: true,
      allowUnsafeExec: true,
      allowUnsafeGitProxy: true,
      allowUnsafeHooksPath: true,
      allowUnsafePager: true,
      allowUnsafeSshCommand: true,
      allowUnsafeTemplateDir: true,
    },
  });
  // simple-git 4.0 waits 50 ms more for a command that prints nothing; an empty chunk of output spares each such command that.
  git.outputHandler((_command, stdout) => process.nextTick(() => stdout.emit("data", Buffer.alloc(0))));
  return git.env(env);
}
