import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import type { Recorder } from "./record/recorder.js";

/** How far a long operation has come. `total` is known from the start. */
export interface Progress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** All that an operation takes from the world around it, so that a test can hold each part. */
export interface Context {
  /** Absolute path that relative paths are resolved against. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of keys and of what is remembered: `AGENT_VAULT_HOME`, else `~/.agent-vault`. */
  readonly home: string;
  now(): Date;
  random(bytes: number): Uint8Array;
  /** Takes a sentence for the person that is neither data nor an error. */
  warn(message: string): void;
  /** Takes a sentence for a person who watches, about something that went well; absent where nobody does. */
  note?(message: string): void;
  /** Called now and then while long work goes on. */
  progress?(progress: Progress): void;
  /** Asks for the passphrase of a protected key; absent where nobody can be asked. */
  passphrase?: ((keyFile: string) => Promise<string>) | undefined;
  /** Where uses and changes go on record; absent for what uses and changes nothing. */
  readonly recorder?: Recorder | undefined;
}

/** The context of this process: its folder, environment, clock and randomness; warnings go nowhere. */
export function processContext(overrides: Partial<Context> = {}): Context {
  const env = overrides.env ?? process.env;
  return {
    cwd: process.cwd(),
    env,
    home: env["AGENT_VAULT_HOME"] || join(homeOf(env), ".agent-vault"),
    now: () => new Date(),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    warn: () => {},
    ...overrides,
  };
}

/**
 * An absolute path from paths as a person writes them: each relative to the one before, the first to the context's folder, or with a
 * `~` that the shell has left, as in `--key=~/x`.
 */
export function resolvePath(context: Context, ...paths: readonly string[]): string {
  return resolve(context.cwd, ...paths.map((path) => path.replace(/^~(?=[/\\]|$)/, () => homeOf(context.env))));
}

/** The home folder; in a container a user need not be in the list of users, and has `/` then, as container engines have it. */
export function homeOf(env: Context["env"]): string {
  try {
    return env["HOME"] || homedir();
  } catch {
    return "/";
  }
}
