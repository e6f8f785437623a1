import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { processContext, type Context } from "@agent-vault/vault";
import { SCRATCH } from "../../support/scratch.js";

/** A real git repository in a folder of its own, with a home of its own: nothing of the person's configuration is seen or touched. */
export class TestRepository implements Disposable {
  readonly base: string;
  readonly root: string;
  readonly env: Record<string, string>;
  readonly context: Context;
  readonly warnings: string[] = [];

  constructor() {
    this.base = realpathSync(mkdtempSync(join(SCRATCH, "hooks-")));
    this.root = join(this.base, "repository");
    const home = join(this.base, "home");
    mkdirSync(this.root);
    mkdirSync(home);
    this.env = {
      PATH: pathWithoutAgentVault(),
      HOME: home,
      XDG_CONFIG_HOME: join(home, ".config"),
      GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "Test",
      GIT_AUTHOR_EMAIL: "test@example.com",
      GIT_COMMITTER_NAME: "Test",
      GIT_COMMITTER_EMAIL: "test@example.com",
    };
    this.context = processContext({ cwd: this.root, env: this.env, warn: (message) => this.warnings.push(message) });
    this.git("init", "--quiet", "--initial-branch=main", "--template=");
  }

  git(...args: string[]): string {
    return execFileSync("git", args, { cwd: this.root, env: this.env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** git with hooks and all, whatever comes of it. */
  tryGit(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): { code: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync("git", args, {
      cwd: options.cwd ?? this.root,
      env: { ...this.env, ...options.env },
      encoding: "utf8",
    });
    return { code: status, output: stdout + stderr };
  }

  path(file: string): string {
    return join(this.root, file);
  }

  write(file: string, content: string | Uint8Array, mode = 0o644): string {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), content, { mode });
    return this.path(file);
  }

  read(file: string): Buffer {
    return readFileSync(this.path(file));
  }

  exists(file: string): boolean {
    return existsSync(this.path(file));
  }

  /** Writes a file and stages it. */
  stage(file: string, content: string | Uint8Array): void {
    this.write(file, content);
    this.git("add", "--force", "--", file);
  }

  /** Stages content under a name that need not be a name of this disk: the bytes as git stores them. */
  stageBlob(name: Uint8Array | string, content: string | Uint8Array, mode = "100644"): void {
    const object = execFileSync("git", ["hash-object", "-w", "--stdin"], { cwd: this.root, env: this.env, input: content })
      .toString()
      .trim();
    const entry = Buffer.concat([Buffer.from(`${mode} ${object}\t`), Buffer.from(name), Buffer.from([0])]);
    execFileSync("git", ["update-index", "-z", "--index-info"], { cwd: this.root, env: this.env, input: entry });
  }

  commit(message = "change"): void {
    this.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", message);
  }

  [Symbol.dispose](): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** Under npm, the PATH begins with folders that may hold the agent-vault that is being tested. */
function pathWithoutAgentVault(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.filter((folder) => !existsSync(join(folder, "agent-vault"))).join(delimiter);
}
