import { spawn } from "node:child_process";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { LedgerRecorder } from "#ledger/recorder/ledger-recorder.js";
import { addAgent, grant, init, processContext, set, sign, type Attributes, type Context, type InitRequest } from "#vault/index.js";
import { canRunHere, runHere } from "./commands-here.js";
import { moveMemories } from "./memory-and-clock.js";
import { SCRATCH } from "./scratch.js";

export const CLI = resolve(import.meta.dirname, "../../packages/cli/bin/agent-vault.js");

/** The folders that git makes in every repository, without the examples in them. */
const GIT_TEMPLATE = resolve(import.meta.dirname, "git-template");
/** What git would do beside its work: look whether there is something to tidy up, wait for a disk. */
const NO_CHORES = "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[receive]\n\tautogc = false\n[core]\n\tfsync = none\n";

/** What a program that has ended leaves behind. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Words for node itself, before the program. */
  readonly nodeArgs?: readonly string[];
}

export interface SandboxOptions {
  /** Whether the repository is made; unless `false` it is. */
  readonly git?: boolean;
  /** Whether git knows the person's name; unless `false` it does. */
  readonly identity?: boolean;
  /** Whether the caller removes it. */
  readonly kept?: boolean;
  /** Whether uses go on record; few tests are about that, and it takes time. */
  readonly audit?: boolean;
}

/**
 * A machine of its own for one test: a home, git's configuration, a repository with a bare remote. Nothing of the person's own
 * is seen. It is removed when the test ends.
 */
export class Sandbox {
  readonly root: string;
  readonly home: string;
  readonly repository: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly options: SandboxOptions;
  readonly #gitConfig: string;
  #hasRemote = false;
  /** Of a remote that does not answer a process warns once, and the next command must not know of it. */
  #hasWarned = false;

  constructor(options: SandboxOptions = {}) {
    this.root = realpathSync(mkdtempSync(join(SCRATCH, "agent-vault-test-")));
    if (!options.kept) onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
    this.options = options;
    this.home = join(this.root, "home");
    this.repository = join(this.root, "repository");
    const gitConfig = join(this.root, "gitconfig");
    const identity = options.identity === false ? "" : "[user]\n\tname = Test\n\temail = test@example.com\n";
    const init = `[init]\n\tdefaultBranch = main\n\ttemplateDir = ${GIT_TEMPLATE}\n`;
    writeFileSync(gitConfig, `${identity}${init}[safe]\n\tdirectory = *\n${NO_CHORES}`);
    mkdirSync(this.home);
    mkdirSync(this.repository);
    this.env = {
      PATH: process.env["PATH"],
      HOME: this.home,
      USER: "eric",
      LANG: "C.UTF-8",
      GIT_CONFIG_GLOBAL: gitConfig,
      GIT_CONFIG_NOSYSTEM: "1",
      ...(!options.audit && { AGENT_VAULT_AUDIT: "off" }),
    };
    if (options.git !== false) this.git("init", "--quiet");
    this.#gitConfig = this.#readGitConfig();
  }

  /** Whether nothing was done with it yet. */
  get isNew(): boolean {
    const [, ...more] = readdirSync(this.repository);
    const isEmpty = readdirSync(this.home).length === 0 && more.length === 0 && !existsSync(join(this.repository, ".git/index"));
    return isEmpty && this.#gitConfig !== "" && this.#gitConfig === this.#readGitConfig();
  }

  #readGitConfig(): string {
    const file = join(this.repository, ".git/config");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** Takes over the home and the repository of another machine. @param root its folder */
  async takeOver(root: string): Promise<void> {
    await this.run("cp", ["-Rp", join(root, "home"), join(root, "repository"), this.root]);
    moveMemories(this, root);
  }

  get vault(): string {
    return join(this.repository, ".agent-vault");
  }

  get ownerKey(): string {
    return join(this.home, ".agent-vault", "owner.key");
  }

  agentKey(agent: string): string {
    return join(this.home, ".agent-vault", "agents", `${agent}.key`);
  }

  /** The context that this machine gives an operation; warnings are collected in `warnings`. */
  context(overrides: Partial<Context> = {}): Context & { readonly warnings: string[] } {
    const warnings: string[] = [];
    return {
      ...processContext({ cwd: this.repository, env: this.env, warn: (message) => warnings.push(message), ...overrides }),
      warnings,
    };
  }

  git(...args: string[]): string {
    return this.gitIn(this.repository, ...args);
  }

  gitIn(folder: string, ...args: string[]): string {
    return execFileSync("git", args, { cwd: folder, env: this.env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  write(file: string, content: string | Uint8Array): string {
    const path = resolve(this.repository, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** Another machine with the same home and the same repository. */
  async copy(): Promise<Sandbox> {
    const copy = new Sandbox({ git: false, audit: this.options.audit ?? false });
    copy.#hasRemote = this.#hasRemote;
    await copy.takeOver(this.root);
    return copy;
  }

  /** A bare remote that the branch is pushed to and follows. @returns its path */
  addRemote(): string {
    const remote = join(this.root, "remote.git");
    this.#hasRemote = true;
    this.git("init", "--quiet", "--bare", remote);
    this.git("remote", "add", "origin", remote);
    this.git("push", "--quiet", "--set-upstream", "origin", "main");
    return remote;
  }

  /**
   * Runs a command line of the built program, in this process where its words, its exit code and what it does are the same there. Standard
   * input is `input`, or nothing at all.
   */
  cli(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return options.nodeArgs || this.#hasWarned || !canRunHere(args) ? this.process(args, options) : this.here(args, options);
  }

  /** As `cli`, but always in this process: where no second command is to see what the first knows of its pulls. */
  async here(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const { stderr, ...outcome } = await runHere(args, {
      cwd: options.cwd ?? this.repository,
      env: { ...this.env, ...options.env },
      input: options.input,
    });
    this.#hasWarned ||= this.#hasRemote && stderr.includes("remote could not be asked");
    return { ...outcome, signal: null, stderr: stderr.toString() };
  }

  /** As `cli`, but always in a process of its own: for what is about the process, and what happens at the same time. */
  process(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return this.run(process.execPath, [...(options.nodeArgs ?? []), CLI, ...args], options);
  }

  /** As `cli`, but fails the test where the command fails. @returns standard output as text */
  async ok(...args: string[]): Promise<string> {
    const outcome = await this.cli(args);
    if (outcome.code !== 0)
      throw new Error(`agent-vault ${args.join(" ")} ended with ${outcome.code ?? outcome.signal}: ${outcome.stderr}`);
    return outcome.stdout.toString();
  }

  // What prepares a test is done in this process, which takes a third of a command's time.

  async init(request: InitRequest = {}): Promise<void> {
    await init(this.#contextOf("init"), request);
  }

  /** Stores a value. */
  async set(path: string, value: string | Uint8Array, attributes: Attributes = {}): Promise<void> {
    await set(this.#contextOf("set"), { vault: this.vault, path, value: Buffer.from(value as string), attributes });
  }

  /** Makes an agent, and grants it groups and secrets. */
  async addAgent(agent: string, ...targets: string[]): Promise<void> {
    await addAgent(this.#contextOf("add-agent"), { vault: this.vault, agent });
    for (const target of targets) await this.grant(agent, target);
  }

  async grant(agent: string, target: string): Promise<void> {
    await grant(this.#contextOf("grant"), { vault: this.vault, agent, target });
  }

  /** Vouches, as the owner, for what was changed in the vault by hand. */
  async sign(): Promise<void> {
    await sign(this.#contextOf("sign"), { vault: this.vault, approve: () => true });
  }

  #contextOf(action: string): Context {
    return this.context(this.options.audit ? { recorder: new LedgerRecorder(action) } : {});
  }

  run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return new Promise((done, failed) => {
      const child = spawn(program, args, {
        cwd: options.cwd ?? this.repository,
        env: { ...this.env, ...options.env },
        stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      });
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout!.on("data", (chunk: Buffer) => stdout.push(chunk));
      child.stderr!.on("data", (chunk: Buffer) => stderr.push(chunk));
      child.on("error", failed);
      child.on("close", (code, signal) => done({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }));
      if (options.input !== undefined) {
        child.stdin!.on("error", () => {});
        child.stdin!.end(options.input);
      }
    });
  }
}

/**
 * Machines that are made once in a test file and copied for each test that asks for one, since copying takes a fraction of the time.
 * To be called where the file begins.
 * @param make prepares a new machine; called once for each set of words
 */
export function prepared<Words extends readonly (string | undefined)[]>(
  make: (box: Sandbox, ...words: Words) => Promise<void>,
  options: { audit?: boolean } = {},
): (...words: Words) => Promise<Sandbox> {
  const originals = new Map<string, Promise<Sandbox>>();
  afterAll(async () => {
    for (const original of originals.values()) rmSync((await original).root, { recursive: true, force: true });
  });
  return async (...words) => {
    const key = words.join(" ");
    if (!originals.has(key)) {
      const box = new Sandbox({ kept: true, ...options });
      originals.set(
        key,
        make(box, ...words).then(() => box),
      );
    }
    return (await originals.get(key)!).copy();
  };
}

/** The code in square brackets that ends a command's error. */
export function errorCode(outcome: Outcome): string | undefined {
  return /\[([A-Z_]+)\]/.exec(outcome.stderr)?.[1];
}

/** The code of a command's error and its exit code, once it is sure that the error says what to do. */
export function refusal(outcome: Outcome): [code: string | undefined, exit: number | null] {
  if (!/\[[A-Z_]+\]\n {7}\S/.test(outcome.stderr)) throw new Error(`There is no remedy in: ${outcome.stderr}`);
  return [errorCode(outcome), outcome.code];
}
