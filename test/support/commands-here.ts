import { Console } from "node:console";
import { resolve } from "node:path";
import process from "node:process";
import { Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";

/** The built program as Node starts it. It is loaded once, and its first module, which runs the command line, again for each command. */
const PROGRAM = resolve(import.meta.dirname, "../../packages/cli/bin/agent-vault.js");
const MAIN = pathToFileURL(resolve(import.meta.dirname, "../../packages/cli/bundle/main.js")).href;
/** Words of the commands that pass on the process's streams, signals and end: `run`, `profile exec` and `mcp`. */
const OF_THE_PROCESS = ["run", "exec", "mcp"];

export interface CommandHere {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard input; none is an empty one. */
  readonly input: string | Uint8Array | undefined;
}

/** Whether a command line does in this process what it does in its own. */
export function canRunHere(words: readonly string[]): boolean {
  return !OF_THE_PROCESS.some((word) => words.includes(word));
}

let last: Promise<unknown> = Promise.resolve();
let runs = 0;

/**
 * Runs a command line of the built program in this process, which takes a tenth of the time that a process of its own takes. It has its
 * own folder, environment and streams, which are the process's while it runs; so commands run one after the other.
 */
export function runHere(words: readonly string[], command: CommandHere): Promise<{ code: number; stdout: Buffer; stderr: Buffer }> {
  const result = last.then(() => runAlone(words, command));
  last = result.catch(() => {});
  return result;
}

async function runAlone(words: readonly string[], { cwd, env, input }: CommandHere) {
  const stdout = new Collected();
  const stderr = new Collected();
  const restore = [
    swapped(process, "stdin", Readable.from(input === undefined || input.length === 0 ? [] : [Buffer.from(input as string)])),
    swapped(process, "stdout", stdout),
    swapped(process, "stderr", stderr),
    swapped(globalThis, "console", new Console(stdout, stderr)),
    swapped(process, "argv", [process.execPath, PROGRAM, ...words]),
    swapped(process, "exit", (code: number) => {
      throw new Error(`agent-vault ${words[0]} ended its process with ${code}. Use Sandbox.process for it.`);
    }),
    swappedEnvironment(env),
    swappedFolder(cwd),
  ];
  const exitCode = process.exitCode;
  process.exitCode = undefined;
  try {
    runs += 1;
    await import(/* @vite-ignore */ `${MAIN}?${runs}`);
    return { code: Number(process.exitCode), stdout: stdout.bytes, stderr: stderr.bytes };
  } finally {
    process.exitCode = exitCode;
    for (const put of restore.toReversed()) put();
  }
}

/** A stream that is no terminal, and keeps what is written to it. */
class Collected extends Writable {
  readonly #chunks: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk));
    done();
  }
}

/** @returns what puts back the value that was there */
function swapped(target: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name)!;
  Object.defineProperty(target, name, { value, configurable: true, enumerable: true, writable: true });
  return () => void Object.defineProperty(target, name, before);
}

/** The environment itself is changed, as what is not JavaScript reads it too. */
function swappedEnvironment(env: CommandHere["env"]): () => void {
  const before = { ...process.env };
  setEnvironment(env);
  return () => setEnvironment(before);
}

function setEnvironment(env: CommandHere["env"]): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name];
  for (const [name, value] of Object.entries(env)) if (value !== undefined && process.env[name] !== value) process.env[name] = value;
}

function swappedFolder(folder: string): () => void {
  const before = process.cwd();
  process.chdir(folder);
  return () => process.chdir(before);
}
