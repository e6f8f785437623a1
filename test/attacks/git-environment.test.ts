import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { Sandbox } from "../support/sandbox.js";
import { setLastAsked } from "../support/memory-and-clock.js";

const SDK = resolve(import.meta.dirname, "../../sdk-node/dist/index.js");

/** Programs that git starts because a repository, its configuration or the environment names them. */
const SPIES = ["fsmonitor", "filter", "hook", "credential", "ssh"] as const;
type Spy = (typeof SPIES)[number];

/** A vault whose repository has git start a program for whatever git can, and each of them writes down what it was given. */
class SpiedVault {
  readonly box: Sandbox;
  readonly clone: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(box: Sandbox, clone: string, env: Readonly<Record<string, string>>) {
    this.box = box;
    this.clone = clone;
    this.env = env;
  }

  static async make(): Promise<SpiedVault> {
    const box = new Sandbox();
    await box.ok("init", "--no-hook");
    await box.set("a/b", "one");
    const signer = (await box.ok("owner", "keys")).trim().split("\n").at(-1)!;
    const remote = box.addRemote();
    const clone = join(box.root, "clone");
    box.gitIn(box.root, "clone", "--quiet", remote, clone);
    const ssh = spy(box, "ssh", `eval "exec $(printf '%s' "$2")"`);
    const env = {
      GIT_SSH_COMMAND: ssh,
      GIT_SSH_VARIANT: "simple",
      AGENT_VAULT_KEY: readFileSync(box.ownerKey, "utf8"),
      AGENT_VAULT_OWNER: signer,
      AGENT_VAULT_LEDGER_KEY: "0f".repeat(32),
      AGENT_VAULT_AUDIT: "off",
      agent_vault_token: "in lower case",
    };
    const vault = new SpiedVault(box, clone, env);
    vault.configure();
    await box.set("a/b", "two");
    box.git("push", "--quiet");
    return vault;
  }

  configure(): void {
    const { box, clone } = this;
    box.gitIn(clone, "config", "core.fsmonitor", spy(box, "fsmonitor", "exit 1"));
    const filter = spy(box, "filter", "exec cat");
    for (const way of ["clean", "smudge"]) box.gitIn(clone, "config", `filter.spy.${way}`, filter);
    box.write(join(clone, ".git/info/attributes"), "* filter=spy\n");
    box.gitIn(clone, "config", "credential.helper", spy(box, "credential", "exit 0"));
    const hooks = join(clone, ".git/hooks");
    mkdirSync(hooks, { recursive: true });
    for (const name of ["pre-push", "reference-transaction", "post-index-change", "post-checkout", "post-merge"])
      spy(box, "hook", "exit 0", join(hooks, name));
    this.follow("ssh");
  }

  /** What the clone's remote is reached by. */
  follow(way: "ssh" | "http", port = 0): void {
    const url = way === "ssh" ? `ssh://host${join(this.box.root, "remote.git")}` : `http://127.0.0.1:${port}/vault.git`;
    this.box.gitIn(this.clone, "remote", "set-url", "origin", url);
    setLastAsked(this.clone);
  }

  /** What a program wrote down, `""` where none was started. */
  seen(by: Spy): string {
    const file = seenFile(this.box, by);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }
}

const seenFile = (box: Sandbox, by: Spy) => join(box.root, `seen-${by}`);

function spy(box: Sandbox, name: Spy, then: string, file = join(box.root, `spy-${name}`)): string {
  box.write(file, `#!/bin/sh\nenv >>'${seenFile(box, name)}'\n${then}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A server that wants a password. @returns its port */
async function passwordServer(): Promise<number> {
  const server = createServer((_request, response) => response.writeHead(401, { "WWW-Authenticate": 'Basic realm="vault"' }).end());
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

describe.skipIf(process.platform === "win32")("a program that git starts sees no variable of agent-vault", () => {
  const doors: Readonly<Record<string, (vault: SpiedVault, env: Record<string, string>) => Promise<unknown>>> = {
    get: ({ box, clone }, env) => box.cli(["-C", clone, "get", "a/b"], { env }),
    set: ({ box, clone }, env) => box.cli(["-C", clone, "set", "a/c", "--exact"], { env, input: "value" }),
    sync: ({ box, clone }, env) => box.cli(["-C", clone, "sync"], { env }),
    status: ({ box, clone }, env) => box.cli(["-C", clone, "status"], { env }),
    scan: ({ box, clone }, env) => box.cli(["-C", clone, "scan", "--staged"], { env }),
    hook: ({ box, clone }, env) => box.cli(["-C", clone, "hook", "install"], { env }),
    "SDK get": ({ box, clone }, env) => {
      const program = box.write(
        join(box.root, "agent.mjs"),
        `import { Vault } from ${JSON.stringify(SDK)};
         console.log(await new Vault({ repoPath: ${JSON.stringify(clone)} }).get("a/b"));`,
      );
      return box.run(process.execPath, [program], { env });
    },
  };
  const started = new Set<Spy>();

  it.each(Object.keys(doors))("%s", async (door) => {
    const vault = await SpiedVault.make();
    const run = doors[door]!;
    const told = await run(vault, vault.env);
    expect(told).toMatchObject({ code: 0 });
    vault.follow("http", await passwordServer());
    await run(vault, vault.env);
    await run(vault, { ...vault.env, AGENT_VAULT_TOKEN: "a token" });
    for (const by of SPIES) {
      const variables = vault.seen(by);
      if (variables !== "") started.add(by);
      expect(variables.split("\n").filter((line) => /^AGENT_VAULT_/i.test(line))).toEqual([]);
    }
  });

  it("and each of the programs was started", () => {
    expect([...started].toSorted()).toEqual([...SPIES].toSorted());
  });
});
