import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { fetchStates, GitRepository } from "#vault/index.js";
import { fetchRefs } from "#vault/git/fetch-refs.js";
import * as sdk from "#sdk-node/index.js";
import { CLI, Sandbox, type Outcome } from "../support/sandbox.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { makeVault } from "../support/vault.js";

/** The remote's main branch, and the ref in which a clone keeps it. */
const MAIN = { from: "refs/heads/main", to: "refs/remotes/origin/main" } as const;

const SDK = resolve(import.meta.dirname, "../../sdk-node/dist/index.js");

/** A vault with one secret, its remote, and a clone of it that is up to date. */
async function cloned(): Promise<{ box: Sandbox; clone: string; publish: (value: string) => Promise<void> }> {
  const box = new Sandbox();
  await makeVault(box, { "a/b": "one" });
  const remote = box.addRemote();
  const clone = join(box.root, "clone");
  box.gitIn(box.root, "clone", "--quiet", remote, clone);
  const publish = async (value: string) => {
    await box.set("a/b", value);
    box.git("push", "--quiet");
  };
  return { box, clone, publish };
}

/** A server that takes every connection and never says a word. */
async function silentServer(): Promise<{ port: number; sockets: Set<Socket>; connected: Promise<unknown> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
    socket.resume();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, sockets, connected: once(server, "connection") };
}

describe("a remote that says nothing", () => {
  it("is given up by get and by the SDK, whose programs end, and no program of git's stays behind", async () => {
    const { box, clone } = await cloned();
    const { port, sockets } = await silentServer();
    const other = join(box.root, "other");
    box.gitIn(box.root, "clone", "--quiet", clone, other);
    for (const folder of [clone, other]) box.gitIn(folder, "remote", "set-url", "origin", `http://127.0.0.1:${port}/vault.git`);
    const program = box.write(
      join(box.root, "agent.mjs"),
      `import { Vault } from ${JSON.stringify(SDK)};
       const vault = new Vault({ repoPath: ${JSON.stringify(other)} });
       console.log(JSON.stringify(await Promise.all([vault.get("a/b"), vault.get("a/b")])));`,
    );
    const [command, agent] = await Promise.all([box.process(["-C", clone, "get", "a/b"]), box.run(process.execPath, [program])]);
    expect([command.code, command.stdout.toString()]).toEqual([0, "one"]);
    expect(command.stderr).toContain("the remote did not answer for 15 seconds");
    expect([agent.code, agent.stdout.toString()]).toEqual([0, '["one","one"]\n']);
    expect(agent.stderr).toContain("the remote did not answer for 15 seconds");
    while (sockets.size > 0) await once([...sockets][0]!, "close");
  });

  it("ends with Ctrl-C, and git with it", async () => {
    const { box, clone } = await cloned();
    const { port, sockets, connected } = await silentServer();
    box.gitIn(clone, "remote", "set-url", "origin", `http://127.0.0.1:${port}/vault.git`);
    const child = spawn(process.execPath, [CLI, "get", "a/b"], { cwd: clone, env: box.env, stdio: "ignore" });
    await connected;
    child.kill("SIGINT");
    expect((await once(child, "exit"))[1]).toBe("SIGINT");
    while (sockets.size > 0) await once([...sockets][0]!, "close");
  });

  it("is given up where it says something and never comes to an end", async () => {
    const { box, clone } = await cloned();
    const talking = box.write(join(box.root, "ssh"), "#!/bin/sh\nwhile echo working >&2; do sleep 0.05; done\n");
    chmodSync(talking, 0o755);
    box.gitIn(clone, "remote", "set-url", "origin", "ssh://nowhere/vault.git");
    const repository = await GitRepository.find(box.context({ env: { ...box.env, GIT_SSH_COMMAND: talking } }), clone);
    await expect(fetchRefs(repository, "origin", [MAIN], { limits: { silenceMs: 2_000, totalMs: 3_000 } })).rejects.toThrow(
      "after 3 seconds",
    );
  });

  it("may take long as long as it says something", async () => {
    const { box, clone, publish } = await cloned();
    await publish("two");
    const slow = box.write(
      join(box.root, "ssh"),
      `#!/bin/sh\nfor step in $(seq 30); do echo step $step >&2; sleep 0.05; done\nexec git-upload-pack '${join(box.root, "remote.git")}'\n`,
    );
    chmodSync(slow, 0o755);
    box.gitIn(clone, "remote", "set-url", "origin", "ssh://nowhere/vault.git");
    const repository = await GitRepository.find(box.context({ env: { ...box.env, GIT_SSH_COMMAND: slow } }), clone);
    await fetchRefs(repository, "origin", [MAIN], { limits: { silenceMs: 1_000, totalMs: 60_000 } });
    expect(box.gitIn(clone, "rev-parse", "origin/main")).toBe(box.git("rev-parse", "HEAD"));
  });

  it("is never asked for a password by ssh, save where the person has an ssh command of their own", async () => {
    const { box, clone } = await cloned();
    const ssh = box.write(join(box.root, "bin/ssh"), '#!/bin/sh\necho "ssh $*" >&2\nexit 1\n');
    const own = box.write(join(box.root, "bin/own"), '#!/bin/sh\necho "own $*" >&2\nexit 1\n');
    for (const program of [ssh, own]) chmodSync(program, 0o755);
    box.gitIn(clone, "remote", "set-url", "origin", "ssh://nowhere/vault.git");
    const PATH = `${join(box.root, "bin")}:${box.env["PATH"]}`;
    const said = async (env: Record<string, string>) => {
      setLastAsked(clone);
      return (await box.cli(["-C", clone, "get", "a/b"], { env: { PATH, ...env } })).stderr;
    };
    expect(await said({})).toContain("ssh -o BatchMode=yes");
    expect(await said({ GIT_SSH_COMMAND: own })).not.toContain("BatchMode");
    box.gitIn(clone, "config", "core.sshCommand", own);
    expect(await said({})).toMatch(/own .*nowhere/);
  });
});

describe("within the pull interval", () => {
  /** A machine that does not know what is made and pushed on this one. */
  function onAnotherMachine(box: Sandbox): (args: readonly string[]) => Promise<Outcome> {
    const home = join(box.root, "elsewhere");
    cpSync(join(box.home, ".agent-vault"), home, { recursive: true });
    return (args) => box.cli(args, { env: { AGENT_VAULT_HOME: home } });
  }

  it("a second read asks for nothing, and reads what the first one fetched", async () => {
    const { box, clone, publish } = await cloned();
    const elsewhere = onAnotherMachine(box);
    await publish("two");
    expect((await elsewhere(["-C", clone, "get", "a/b"])).stdout.toString()).toBe("two");
    await publish("three");
    expect((await elsewhere(["-C", clone, "get", "a/b"])).stdout.toString()).toBe("two");
    expect((await elsewhere(["-C", clone, "get", "a/b", "--no-pull"])).stdout.toString()).toBe("one");
  });

  it("a read asks again where another clone on this machine has pushed meanwhile", async () => {
    const { box, clone, publish } = await cloned();
    expect((await box.cli(["-C", clone, "get", "a/b"])).stdout.toString()).toBe("one");
    await publish("two");
    expect((await box.cli(["-C", clone, "get", "a/b"])).stdout.toString()).toBe("two");
  });

  it("a fetch in the future counts for nothing", async () => {
    const { box, clone, publish } = await cloned();
    const elsewhere = onAnotherMachine(box);
    expect((await elsewhere(["-C", clone, "get", "a/b"])).stdout.toString()).toBe("one");
    await publish("two");
    setLastAsked(clone, new Date(Date.now() + 86_400_000 * 365));
    expect((await elsewhere(["-C", clone, "get", "a/b"])).stdout.toString()).toBe("two");
  });

  it("no configuration keeps readers from fetching for more than a day", async () => {
    const { box, clone, publish } = await cloned();
    const elsewhere = onAnotherMachine(box);
    const config = join(box.vault, "config.yaml");
    writeFileSync(config, `${readFileSync(config, "utf8")}settings:\n  pull_interval: 1e300\n`);
    await box.sign();
    await publish("two");
    box.gitIn(clone, "pull", "--quiet");
    expect((await elsewhere(["-C", clone, "get", "a/b"])).stdout.toString()).toBe("two");
    await publish("three");
    const age = async (hours: number) => {
      setLastAsked(clone, new Date(Date.now() - hours * 3_600_000));
      return (await elsewhere(["-C", clone, "get", "a/b"])).stdout.toString();
    };
    expect(await age(23)).toBe("two");
    expect(await age(25)).toBe("three");
  });
});

describe("what keeps git from pulling is a warning, and the value is read:", () => {
  it.each<[string, string, (box: Sandbox, clone: string) => Record<string, string> | void]>([
    ["git is not installed", "git was not found", (box) => ({ PATH: join(box.root, "nothing") })],
    [
      "the repository belongs to somebody else",
      "dubious ownership",
      (box) => ({ GIT_CONFIG_GLOBAL: box.write(join(box.root, "plain"), ""), GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" }),
    ],
    [
      "the repository is of a version to come",
      "version",
      (box, clone) => void box.gitIn(clone, "config", "core.repositoryFormatVersion", "2"),
    ],
    [
      ".git is an empty folder",
      "not inside a git repository",
      (_box, clone) => {
        rmSync(join(clone, ".git"), { recursive: true });
        mkdirSync(join(clone, ".git"));
      },
    ],
    [
      ".git is a file that points nowhere",
      "not inside a git repository",
      (_box, clone) => {
        renameSync(join(clone, ".git"), join(clone, "elsewhere"));
        writeFileSync(join(clone, ".git"), "gitdir: /nonexistent/vault\n");
      },
    ],
  ])("%s", async (_what, words, break_) => {
    const { box, clone } = await cloned();
    const env = break_(box, clone) ?? {};
    const outcome = await box.cli(["-C", clone, "get", "a/b"], { env });
    expect([outcome.code, outcome.stdout.toString()]).toEqual([0, "one"]);
    expect(outcome.stderr).toContain("warning: The vault's remote could not be asked");
    expect(outcome.stderr).toContain(words);
    expect(outcome.stderr.match(/warning:/g)).toHaveLength(1);
  });
});

describe("a program that reads many secrets", () => {
  it("pulls once for all that it reads at the same time", async () => {
    const { box, clone, publish } = await cloned();
    await publish("two");
    const vault = new sdk.Vault({ repoPath: clone, keyPath: box.ownerKey });
    const trace = join(box.root, "trace");
    process.env["GIT_TRACE"] = trace;
    onTestFinished(() => void delete process.env["GIT_TRACE"]);
    expect(await Promise.all(["a/b", "a/b", "a/b"].map((path) => vault.get(path)))).toEqual(["two", "two", "two"]);
    expect(readFileSync(trace, "utf8").match(/built-in: git .*\bfetch\b/g)).toHaveLength(1);
  });

  it("reads on where nothing can be remembered, and hears of it", async () => {
    const { box, clone } = await cloned();
    const key = join(box.root, "owner.key");
    writeFileSync(key, readFileSync(box.ownerKey));
    const outcome = await box.cli(["-C", clone, "get", "a/b", "--key", key], { env: { AGENT_VAULT_HOME: join(key, "home") } });
    expect([outcome.code, outcome.stdout.toString()]).toEqual([0, "one"]);
    expect(outcome.stderr).toContain("could not be remembered");
  });

  it("hears once of a remote that is gone, again after it has been back, and each time that it asks on purpose", async () => {
    const { box, clone } = await cloned();
    const remote = join(box.root, "remote.git");
    const root = join(clone, ".agent-vault");
    const context = box.context({ cwd: clone });
    const read = () => {
      setLastAsked(clone);
      return fetchStates(context, root);
    };
    renameSync(remote, `${remote}.away`);
    await read();
    await read();
    expect(context.warnings).toHaveLength(1);
    renameSync(`${remote}.away`, remote);
    expect(await read()).toBe("fetched");
    rmSync(remote, { recursive: true });
    await read();
    expect(context.warnings).toHaveLength(2);
    await fetchStates(context, root, { always: true });
    expect(context.warnings).toHaveLength(3);
  });
});
