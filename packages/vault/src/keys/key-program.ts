import { spawn, spawnSync } from "node:child_process";
import type { Context } from "../context.js";
import { VaultError, type ErrorCode } from "../errors.js";

/** Where a program is started. */
type ProgramContext = Pick<Context, "cwd" | "env">;

/** A program that prints a key or a passphrase, and what is said where it does not. */
export interface KeyProgram {
  readonly words: readonly [program: string, ...args: string[]];
  /** The variable that names it. Its value is in no message, as it may hold more than a name. */
  readonly variable: string;
  /** The code of its failures. */
  readonly code: ErrorCode;
  readonly timeoutMs: number;
}

/** No key and no passphrase is longer. */
const MAX_OUTPUT_BYTES = 256 * 1024;

/**
 * What a program prints, run without a shell. It gets none of agent-vault's variables, and its error stream is the person's.
 * @throws VaultError with the program's code where it cannot be started, fails, prints too much or takes too long
 */
export async function outputOf(context: ProgramContext, program: KeyProgram): Promise<Uint8Array> {
  const [file, ...args] = program.words;
  const child = spawn(file, args, { ...optionsFor(context), stdio: ["ignore", "pipe", "inherit"] });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      const fail = (problem: string, cause?: unknown) => reject(failed(program, problem, cause));
      const output: Buffer[] = [];
      let length = 0;
      timer = setTimeout(() => fail(tookTooLong(program)), program.timeoutMs);
      child.stdout.on("data", (chunk: Buffer) => {
        output.push(chunk);
        length += chunk.length;
        if (length > MAX_OUTPUT_BYTES) fail("printed too much");
      });
      child.on("error", (cause) => fail("could not be started", cause));
      child.on("close", (code, signal) => (code === 0 ? resolve(Buffer.concat(output)) : fail(howItEnded(code, signal))));
    });
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    // What it started may hold the other end open.
    child.stdout.destroy();
  }
}

/** As {@link outputOf}, for what cannot wait. */
export function outputOfSync(context: ProgramContext, program: KeyProgram): Uint8Array {
  const [file, ...args] = program.words;
  const { error, status, signal, stdout } = spawnSync(file, args, {
    ...optionsFor(context),
    stdio: ["ignore", "pipe", "inherit"],
    timeout: program.timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === "ETIMEDOUT" ? tookTooLong(program) : code === "ENOBUFS" ? "printed too much" : "could not be started";
    throw failed(program, problem, error);
  }
  if (status !== 0) throw failed(program, howItEnded(status, signal));
  return stdout;
}

/**
 * The words of a command line that no shell reads: blanks separate them, and quotes keep blanks together.
 * @throws VaultError `USAGE` for a quote that does not end, and where there is no word
 */
export function commandWords(text: string, variable: string): [string, ...string[]] {
  const words = text.match(/(?:[^ \t\r\n"']|"[^"]*"|'[^']*')+/g)?.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2")) ?? [];
  const isWhole = text.replace(/"[^"]*"|'[^']*'/g, "").search(/["']/) < 0;
  const [program, ...args] = words;
  if (isWhole && program) return [program, ...args];
  throw new VaultError("USAGE", `${variable} is not a program with its arguments.`, {
    remedy: 'Write it as PROGRAM ARGUMENT ..., with quotes around what has blanks: "/opt/key manager/show" billing-agent.',
  });
}

function optionsFor({ cwd, env }: ProgramContext) {
  return { cwd, env: Object.fromEntries(Object.entries(env).filter(([name]) => !/^AGENT_VAULT_/i.test(name))) };
}

function failed({ variable, code }: KeyProgram, problem: string, cause?: unknown): VaultError {
  return new VaultError(code, `The program that ${variable} names ${problem}.`, {
    remedy: "Run it by hand to see why. It is started without a shell, and without variables that begin with AGENT_VAULT_.",
    cause: (cause as NodeJS.ErrnoException | undefined)?.code,
  });
}

const tookTooLong = ({ timeoutMs }: KeyProgram) => `did not end within ${timeoutMs / 1000} seconds`;
const howItEnded = (code: number | null, signal: NodeJS.Signals | null) =>
  signal === null ? `failed with exit code ${code}` : `was ended by ${signal}`;
