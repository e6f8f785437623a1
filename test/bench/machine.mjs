// A machine of its own for a benchmark: a temporary folder with a home, git's configuration and one repository.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";

const CLI = resolve(import.meta.dirname, "../../packages/cli/bin/agent-vault.js");

/** Bare Node, which nothing that is written for it can beat. */
export const BARE_NODE = [process.execPath, "-e", "0"];

export class Machine {
  constructor() {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), "agent-vault-bench-")));
    this.home = join(this.root, "home");
    this.repository = join(this.root, "repository");
    mkdirSync(this.home);
    mkdirSync(this.repository);
    const gitConfig = join(this.root, "gitconfig");
    writeFileSync(gitConfig, "[user]\n\tname = Bench\n\temail = bench@example.com\n[init]\n\tdefaultBranch = main\n");
    // What is not named here does not reach the measured processes: NODE_EXTRA_CA_CERTS alone costs each start of Node 25 ms.
    this.env = {
      PATH: process.env.PATH,
      HOME: this.home,
      USER: "owner",
      LANG: "C.UTF-8",
      GIT_CONFIG_GLOBAL: gitConfig,
      GIT_CONFIG_NOSYSTEM: "1",
      // The ledger has measurements of its own; the others are of what they name.
      AGENT_VAULT_AUDIT: "off",
    };
    this.run("git", "init", "--quiet");
  }

  get ownerKey() {
    return join(this.home, ".agent-vault/owner.key");
  }

  /** The words that run the built command line. */
  cli(...words) {
    return [process.execPath, CLI, ...words];
  }

  /** Runs a program in the repository to its end, and fails where it fails. @returns milliseconds from its start to its end */
  run(program, ...words) {
    return this.runIn(this.env, program, ...words);
  }

  /** As `run`, in another environment. */
  runIn(env, program, ...words) {
    const start = performance.now();
    const { status, signal, stderr, error } = spawnSync(program, words, {
      cwd: this.repository,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 2 ** 28,
    });
    const time = performance.now() - start;
    if (status !== 0) throw new Error(`${program} ${words.join(" ")} ended with ${status ?? signal}: ${error?.message ?? stderr}`);
    return time;
  }

  remove() {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Whether a program can be run. */
export function has(program) {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}
