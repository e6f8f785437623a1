import { randomBytes } from "node:crypto";
import { homedir, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { NO_HOME, VaultError } from "./errors.js";
import { hideCredentials } from "./text/credentials.js";
import type { RepositoryUrl } from "./git/remote-url.js";
import type { RecorderOf } from "./record/recorder.js";

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
  /** Whether it is no person at this terminal who answers `passphrase`, so that asking twice is of no use. */
  readonly isUnattended?: boolean | undefined;
  /** Keys that took a program or a passphrase, for as long as this context lives. They are kept nowhere else. */
  readonly keyMemory?: Map<string, Uint8Array> | undefined;
  /** The URL that the vault's repository was named by. What it authorizes is given to the git that talks to the remote and to nothing else. */
  readonly repositoryUrl?: RepositoryUrl | undefined;
  /** Where uses and changes go on record; absent for what uses and changes nothing. */
  readonly recorder?: RecorderOf<Context> | undefined;
}

/**
 * The context of this process: its folder, environment, clock and randomness; warnings go nowhere.
 * @throws VaultError `USAGE` where `AGENT_VAULT_HOME` is relative
 */
export function processContext(overrides: Partial<Context> = {}): Context {
  const env = overrides.env ?? process.env;
  const cwd = overrides.cwd ?? process.cwd();
  return {
    cwd,
    env,
    keyMemory: new Map(),
    home: overrides.home ?? keyFolder(env),
    now: () => new Date(),
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    ...overrides,
    warn: (message) => overrides.warn?.(hideCredentials(message)),
  };
}

/**
 * An absolute path from paths as a person writes them: each relative to the one before, the first to the context's folder, or with a
 * `~` that the shell has left, as in `--key=~/x`.
 */
export function resolvePath(context: Context, ...paths: readonly string[]): string {
  return resolve(context.cwd, ...paths.map((path) => path.replace(/^~(?=[/\\]|$)/, () => homeOf(context.env))));
}

/** A relative folder would be another one in each folder that a command is run in, and keys would come into repositories. */
function keyFolder(env: Context["env"]): string {
  const folder = env["AGENT_VAULT_HOME"] || join(homeOf(env), ".agent-vault");
  if (isAbsolute(folder)) return folder;
  throw new VaultError("USAGE", "AGENT_VAULT_HOME is not an absolute path.", {
    remedy: "Set AGENT_VAULT_HOME to an absolute path, or unset it to use ~/.agent-vault.",
  });
}

/**
 * The home folder: `HOME`, or what the system's list of users says where that is empty or relative. In a container a user need not be
 * in that list and has no home then: `NO_HOME`.
 */
export function homeOf(env: Context["env"]): string {
  const home = env["HOME"];
  if (home && isAbsolute(home)) return home;
  try {
    const listed = process.platform === "win32" ? homedir() : userInfo().homedir;
    return isAbsolute(listed) ? listed : NO_HOME;
  } catch {
    return NO_HOME;
  }
}

/** A random id: 32 hexadecimal digits. */
export function newId(context: Context): string {
  return Buffer.from(context.random(16)).toString("hex");
}
