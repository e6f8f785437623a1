import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
// @ts-expect-error It is a program without types.
import { pythonEnvironment } from "../../tools/python.mjs";
import { cannot, lacks } from "../support/programs.js";
import { CLI, errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { SLOW } from "../support/slow.js";
import { makeVault } from "../support/vault.js";

const PROGRAMS = resolve(import.meta.dirname, "../../fixtures/programs-0.1");
const SDK = resolve(import.meta.dirname, "../../sdk-node/dist/index.js");
const PYTHON_SDK = resolve(import.meta.dirname, "../../sdk-python/src");
const { python, missing } = pythonEnvironment() as { readonly python?: string; readonly missing?: string };
const read = (name: string) => readFileSync(join(PROGRAMS, name), "utf8");

const vault = prepared(async (box) => {
  await makeVault(
    box,
    { "stripe/api-key": "sk_live_abc123", "postgres/password": "p w" },
    { "my-agent": ["stripe"], deployer: ["stripe", "postgres"] },
  );
});

interface Machine {
  readonly box: Sandbox;
  /** A checkout as a CI runner makes it: one commit, HEAD detached. */
  readonly checkout: string;
  /** What its programs see of the environment, beside what is given to them. */
  readonly env: Record<string, string | undefined>;
  /** The line of an agent's key file that is the key. */
  readonly keyLine: (agent: string) => string;
  /** The line that an error asks for where nothing says who may sign. */
  readonly owner: string;
}

/** A machine on which this vault was never seen. */
async function newMachine(): Promise<Machine> {
  const box = await vault();
  box.addRemote();
  const checkout = join(box.root, "checkout");
  const home = join(box.root, "new-home");
  const bin = join(box.root, "bin");
  for (const folder of [checkout, home, bin]) mkdirSync(folder);
  install(join(bin, "agent-vault"), process.execPath, CLI);
  if (python !== undefined) install(join(bin, "python"), python);
  box.gitIn(checkout, "init", "--quiet");
  box.gitIn(checkout, "remote", "add", "origin", `file://${join(box.root, "remote.git")}`);
  box.gitIn(checkout, "fetch", "--quiet", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main");
  box.gitIn(checkout, "checkout", "--quiet", "--detach", "refs/remotes/origin/main");
  const keyFile = readFileSync(box.agentKey("my-agent"), "utf8");
  return {
    box,
    checkout,
    env: {
      PATH: `${bin}${delimiter}${process.env["PATH"]}`,
      HOME: home,
      USER: undefined,
      PYTHONPATH: PYTHON_SDK,
      AGENT_VAULT_AUDIT: undefined,
    },
    keyLine: (agent) => /^AGE-SECRET-KEY-1.*$/m.exec(readFileSync(box.agentKey(agent), "utf8"))![0],
    owner: /^# owner: (\S+ \S+)/m.exec(keyFile)![1]!,
  };
}

/** A program that starts another. */
function install(file: string, ...words: string[]): void {
  writeFileSync(file, `#!/bin/sh\nexec ${words.map((word) => `"${word}"`).join(" ")} "$@"\n`);
  chmodSync(file, 0o755);
}

const withoutPython = cannot(python !== undefined, `${missing ?? ""}, so no programs in Python are run.`);
const withoutBash = lacks("bash");

/** In and out of CI, with what says whose signature counts: the whole key file, or one more line beside a bare key. */
const WAYS = [
  ["under CI=true, with a bare key and the line that names the owner", true, "owner"],
  ["under CI=true, with the whole key file", true, "file"],
  ["outside of CI, with a bare key", false, "bare"],
] as const;

describe.each(SLOW ? WAYS : WAYS.slice(0, 1))("programs of 0.1 %s", (_, isCI, kind) => {
  const given = ({ box, keyLine, owner }: Machine, agent: string) => ({
    key: kind === "file" ? readFileSync(box.agentKey(agent), "utf8").trimEnd() : keyLine(agent),
    env: { ...(isCI && { CI: "true" }), ...(kind === "owner" && { AGENT_VAULT_OWNER: owner }) },
  });

  it.skipIf(withoutPython)("in a container: a mounted repository, no git, and a home of the container's own", async () => {
    const machine = await newMachine();
    const { box, checkout } = machine;
    const { key, env } = given(machine, "my-agent");
    const app = join(box.root, "app");
    mkdirSync(app);
    writeFileSync(join(app, "agent.py"), read("docker/agent.py").replaceAll("/vault", checkout));
    const bin = join(box.root, "container-bin");
    mkdirSync(bin);
    install(join(bin, "python"), python!);
    const command = JSON.parse(/^CMD (.*)$/m.exec(read("docker/Dockerfile"))![1]!) as string[];
    // As run.sh gives it.
    expect(read("docker/run.sh")).toContain('-e AGENT_VAULT_KEY="$(cat ~/.agent-vault/agents/my-agent.key)"');
    box.gitIn(checkout, "status");
    spawnSync("chmod", ["-R", "a-w", checkout]);
    const outcome = await box.run(join(bin, command[0]!), command.slice(1), {
      cwd: app,
      env: { ...machine.env, ...env, PATH: bin, AGENT_VAULT_KEY: key },
    });
    spawnSync("chmod", ["-R", "u+w", checkout]);
    expect(outcome).toMatchObject({ code: 0, stdout: Buffer.from("sk_live_abc123\nTrue\n") });
    expect(outcome.stderr).toContain("could not be asked");
  });

  it.skipIf(withoutBash || withoutPython)("in a GitHub workflow", async () => {
    const machine = await newMachine();
    const { key, env } = given(machine, "my-agent");
    const { jobs } = parse(read("actions/deploy.yml")) as Record<string, Record<string, { steps: { run?: string; env?: object }[] }>>;
    for (const [name, { steps }] of Object.entries(jobs!)) {
      const file = join(machine.box.root, `${name}.env`);
      writeFileSync(file, "");
      const step = steps.find((one) => one.env !== undefined)!;
      const outcome = await machine.box.run("bash", ["-e", "-c", step.run!], {
        cwd: machine.checkout,
        env: { ...machine.env, ...env, GITHUB_ENV: file, AGENT_VAULT_KEY: key },
      });
      expect(outcome, name).toMatchObject({ code: 0, stdout: Buffer.from("::add-mask::sk_live_abc123\n") });
      expect(readFileSync(file, "utf8")).toBe("STRIPE_KEY=sk_live_abc123\n");
    }
  });

  it.skipIf(withoutPython)("as services, whose environment has no home", async () => {
    const machine = await newMachine();
    const { key, env } = given(machine, "my-agent");
    const credentials = join(machine.box.root, "credentials");
    mkdirSync(credentials);
    writeFileSync(join(credentials, "agent.key"), key, { mode: 0o400 });
    for (const name of ["agent", "credential"]) {
      const command = /^ExecStart=(.*)$/m.exec(read(`systemd/${name}.service`))![1]!;
      // A variable's value has no line ends, so the file of variables has the key's line alone.
      const keyed = name === "agent" ? { AGENT_VAULT_KEY: machine.keyLine("my-agent") } : { CREDENTIALS_DIRECTORY: credentials };
      const outcome = await machine.box.run("/bin/sh", ["-c", command], {
        cwd: machine.checkout,
        // A service that runs as root may have no HOME; what it keeps is then where the system says that root's home is, or here.
        env: {
          ...machine.env,
          ...env,
          ...(isCI && { AGENT_VAULT_OWNER: machine.owner }),
          AGENT_VAULT_HOME: machine.env["HOME"],
          HOME: undefined,
          ...keyed,
        },
      });
      expect(outcome, name).toMatchObject({ code: 0 });
      expect(outcome.stdout.toString().trimEnd(), name).toBe("sk_live_abc123");
    }
  });

  it.skipIf(withoutBash)("in a shell script", async () => {
    const machine = await newMachine();
    const { key, env } = given(machine, "deployer");
    const outcome = await machine.box.run("bash", ["-e", "-c", read("shell/deploy.sh")], {
      cwd: machine.checkout,
      env: { ...machine.env, ...env, VAULT_KEY: key },
    });
    expect(outcome).toMatchObject({ code: 0, stdout: Buffer.from("p w sk_live_abc123\n") });
  });

  it("with the Node SDK", async () => {
    const machine = await newMachine();
    const { box, checkout } = machine;
    const { key, env } = given(machine, "my-agent");
    const keys = join(machine.env["HOME"]!, ".agent-vault/agents");
    mkdirSync(keys, { recursive: true });
    writeFileSync(join(keys, "my-agent.key"), key, { mode: 0o600 });
    const program = read("node/agent.mjs").replace('"/vault"', JSON.stringify(checkout)).replace('"agent-vault"', JSON.stringify(SDK));
    writeFileSync(join(box.root, "agent.mjs"), program);
    const outcome = await box.run(process.execPath, [join(box.root, "agent.mjs")], { env: { ...machine.env, ...env } });
    expect(outcome.code).toBe(0);
    expect(outcome.stdout.toString()).toBe(
      `sk_live_abc123\n[ 'stripe/api-key' ]\n[\n  { name: 'my-agent', groups: [ 'stripe' ] },\n  { name: 'deployer', groups: [ 'stripe', 'postgres' ] }\n]\ntrue\ntrue\ntrue\n`,
    );
  });
});

describe("the quick start of 0.1", () => {
  it.skipIf(withoutBash).each(SLOW ? ["true", undefined] : ["true"])("runs with CI=%s", async (CI) => {
    const { box, env } = await newMachine();
    writeFileSync(join(env["HOME"]!, "webhook"), "whsec");
    const outcome = await box.run("bash", ["-e", "-c", read("shell/quick-start.sh")], { cwd: box.root, env: { ...env, CI } });
    expect([outcome.code, outcome.stderr]).toEqual([0, expect.not.stringContaining("error:")]);
    expect(outcome.stdout.toString().match(/sk_live_abc123/g)).toHaveLength(3);
  });
});

describe("a job of 0.1 under CI=true with a bare key", () => {
  it.skipIf(withoutBash)("says which line it lacks", async () => {
    const machine = await newMachine();
    const run = (more: Record<string, string>) =>
      machine.box.run("bash", ["-e", "-c", read("shell/deploy.sh")], {
        cwd: machine.checkout,
        env: { ...machine.env, CI: "true", VAULT_KEY: machine.keyLine("deployer"), ...more },
      });
    const outcome = await run({});
    expect([errorCode(outcome), outcome.stdout.toString()]).toEqual(["UNTRUSTED_SIGNER", ""]);
    const line = /AGENT_VAULT_OWNER='([^']+)'/.exec(outcome.stderr)![1]!;
    expect((await run({ AGENT_VAULT_OWNER: line })).code).toBe(0);
  });
});
