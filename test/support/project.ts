import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readSecret, VaultError, type Context } from "#vault/index.js";
import { prepared, type Sandbox } from "./sandbox.js";
import { makeVault } from "./vault.js";

const repository = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "one" }, { bot: ["stripe"] });
  box.write("app.js", "1\n");
  box.git("add", "app.js");
  box.git("commit", "--quiet", "--message", "Code");
});

/** A repository that holds code and a vault, its bare remote, and a CI machine whose home lasts and whose clones do not. */
export class Project {
  readonly box: Sandbox;
  /** The CI machine's, where keys and the memory are. */
  readonly home: string;

  private constructor(box: Sandbox) {
    this.box = box;
    this.home = join(box.root, "ci-home");
    cpSync(box.agentKey("bot"), join(box.root, "bot.key"));
  }

  static async make(): Promise<Project> {
    const box = await repository();
    box.addRemote();
    return new Project(box);
  }

  get remote(): string {
    return join(this.box.root, "remote.git");
  }

  /** A clone as a CI runner makes it: one commit of one ref, HEAD detached. */
  checkout(ref: string): string {
    const clone = mkdtempSync(join(this.box.root, "job-"));
    this.box.gitIn(clone, "init", "--quiet");
    this.box.gitIn(clone, "remote", "add", "origin", `file://${this.remote}`);
    this.box.gitIn(clone, "fetch", "--quiet", "--depth=1", "--no-tags", "origin", `+${ref}:refs/remotes/ci/checkout`);
    this.box.gitIn(clone, "checkout", "--quiet", "--detach", "refs/remotes/ci/checkout");
    return clone;
  }

  get key(): { readonly keyFile: string } {
    return { keyFile: join(this.box.root, "bot.key") };
  }

  /** The CI machine in a clone of its own. */
  context(clone: string, warnings: string[] = []): Context {
    const env = { ...this.box.env, HOME: this.home, CI: "true" };
    return this.box.context({ cwd: clone, home: this.home, env, warn: (message) => warnings.push(message) });
  }

  /** Reads as a job does. @returns the value, or the code of the error */
  read(clone: string, warnings: string[] = []): Promise<string> {
    return outcomeOf(async () => {
      const { value } = await readSecret(this.context(clone, warnings), join(clone, ".agent-vault"), "stripe/api-key", { key: this.key });
      return Buffer.from(value).toString();
    });
  }

  /** A job: a fresh clone, one read, and the clone is gone. */
  async job(ref: string): Promise<string> {
    const clone = this.checkout(ref);
    try {
      return await this.read(clone);
    } finally {
      rmSync(clone, { recursive: true });
    }
  }

  code(text: string): void {
    this.box.write("app.js", text);
    this.box.git("commit", "--quiet", "--all", "--message", "Code");
  }

  git(...args: string[]): string {
    return this.box.git(...args);
  }
}

/** What an attempt gives, or the code of its error. */
export async function outcomeOf(attempt: () => Promise<string>): Promise<string> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof VaultError) return error.code;
    throw error;
  }
}
