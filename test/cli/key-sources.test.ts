import { chmodSync, copyFileSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Vault } from "#sdk-node/index.js";
import { encryptWithPassphrase } from "#vault/index.js";
import { outputOf, outputOfSync } from "#vault/keys/key-program.js";
import { CLI, errorCode, prepared, refusal, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const VALUE = "sk_live_1";
const PASSPHRASE = "open sesame";
const vaultOfTwo = prepared((box) => makeVault(box, { "stripe/api-key": VALUE, "db/url": "no" }, { bot: ["stripe"], other: ["db"] }));

/** A program of a test that prints `output` and can be seen to have run. */
function program(box: Sandbox, name: string, script: string): string {
  const file = box.write(join(box.root, name), `#!/bin/sh\necho "$#:$*" >> "${box.root}/${name}.args"\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Takes all keys but those of these agents away from the machine. @returns a copy of the bot's key elsewhere */
function keep(box: Sandbox, ...agents: string[]): string {
  const elsewhere = join(box.root, "bot.key");
  copyFileSync(box.agentKey("bot"), elsewhere);
  rmSync(box.ownerKey);
  for (const agent of ["bot", "other"]) if (!agents.includes(agent)) rmSync(box.agentKey(agent));
  return elsewhere;
}

/** What each door reads with this environment: a value, or the code of an error. */
async function read(box: Sandbox, env: Record<string, string> = {}): Promise<string[]> {
  for (const [name, value] of Object.entries({ AGENT_VAULT_HOME: join(box.home, ".agent-vault"), ...env })) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const bySdk = async () => new Vault({ repoPath: box.repository }).get("stripe/api-key");
  const outcome = await box.here(["get", "stripe/api-key"], { env });
  const sdk = await bySdk().catch((error: { code: string }) => error.code);
  return [errorCode(outcome) ?? outcome.stdout.toString(), sdk];
}

const both = (answer: string) => [answer, answer];

describe("where there is no owner's key", () => {
  it("the one key in agents/ is used, and of two none", async () => {
    const box = await vaultOfTwo();
    keep(box, "bot", "other");
    expect(await read(box)).toEqual(both("NO_KEY"));
    renameSync(box.agentKey("other"), `${box.agentKey("other")}.retired-1`);
    expect(await read(box)).toEqual(both(VALUE));
    mkdirSync(join(box.home, ".agent-vault/owners"), { recursive: true });
    writeFileSync(box.ownerKey, "damaged");
    expect(await read(box)).toEqual(both("INVALID_KEY"));
  });

  it("a program that is given none is refused when it makes its Vault", async () => {
    const box = await vaultOfTwo();
    keep(box);
    vi.stubEnv("AGENT_VAULT_HOME", join(box.home, ".agent-vault"));
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(() => new Vault({ repoPath: box.repository })).toThrowError(/No key/);
  });
});

describe("AGENT_VAULT_KEY_COMMAND", () => {
  it("names a program that prints the key, which is run without a shell and sees nothing of agent-vault's", async () => {
    const box = await vaultOfTwo();
    const key = keep(box);
    const print = program(box, "print key", `env | grep AGENT_VAULT_ && exit 3\ncat "${key}"`);
    const command = `"${print}" '$(touch pwned)' ; touch pwned`;
    expect(await read(box, { AGENT_VAULT_KEY_COMMAND: command, AGENT_VAULT_STRICT: "1" })).toEqual(both(VALUE));
    expect(readFileSync(`${print}.args`, "utf8").split("\n")[0]).toBe("4:$(touch pwned) ; touch pwned");
    expect(readdirSync(box.repository)).not.toContain("pwned");
    const secret = readFileSync(key, "utf8").trim().split("\n").at(-1)!;
    expect(() => execFileSync("grep", ["-r", secret, box.home, box.repository])).toThrow();
  });

  it("comes after a key that was given, and before those that lie here", async () => {
    const box = await vaultOfTwo();
    const print = program(box, "print", `cat "${box.agentKey("other")}"`);
    expect(await read(box, { AGENT_VAULT_KEY_COMMAND: print })).toEqual(both("NOT_AUTHORIZED"));
    expect(await read(box, { AGENT_VAULT_KEY_COMMAND: print, AGENT_VAULT_KEY: box.agentKey("bot") })).toEqual(both(VALUE));
  });

  it("falls back to no other key where it fails, prints nothing or is no command", async () => {
    const box = await vaultOfTwo();
    for (const [command, code] of [
      [program(box, "fail", `cat "${box.ownerKey}"; exit 1`), "NO_KEY"],
      [join(box.root, "missing"), "NO_KEY"],
      [program(box, "nothing", "true"), "INVALID_KEY"],
      ["'unfinished", "USAGE"],
    ] as const) {
      expect(await read(box, { AGENT_VAULT_KEY_COMMAND: command })).toEqual(both(code));
    }
    const outcome = await box.cli(["get", "stripe/api-key"], { env: { AGENT_VAULT_KEY_COMMAND: "false" } });
    expect(refusal(outcome)).toEqual(["NO_KEY", 4]);
  });

  it("is asked once by a program that reads on and on, and again after close()", async () => {
    const box = await vaultOfTwo();
    const print = program(box, "print", `cat "${keep(box)}"`);
    vi.stubEnv("AGENT_VAULT_HOME", join(box.home, ".agent-vault"));
    vi.stubEnv("AGENT_VAULT_KEY_COMMAND", print);
    onTestFinished(() => void vi.unstubAllEnvs());
    const vault = new Vault({ repoPath: box.repository });
    vault.listSecrets();
    await vault.get("stripe/api-key");
    await vault.get("stripe/api-key");
    vault.listSecrets();
    expect(readFileSync(`${print}.args`, "utf8")).toBe("0:\n");
    await vault.close();
  });

  it("is given up after its time, whatever it has started", async () => {
    const box = await vaultOfTwo();
    const slow = program(box, "slow", "sleep 30 & sleep 30");
    const request = { words: [slow] as [string], variable: "X", code: "NO_KEY", timeoutMs: 200 } as const;
    const begun = performance.now();
    await expect(outputOf(box.context(), request)).rejects.toMatchObject({ code: "NO_KEY" });
    expect(() => outputOfSync(box.context(), request)).toThrowError(/within 0.2 seconds/);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});

describe("a key with a passphrase", () => {
  const vaultOfProtected = prepared(async (box) => {
    await makeVault(box, { "stripe/api-key": VALUE });
    const plain = readFileSync(box.ownerKey);
    // Each use takes a second at the work factor that a person gets.
    writeFileSync(box.ownerKey, await encryptWithPassphrase(plain, PASSPHRASE, 10));
  });

  it("is opened by what AGENT_VAULT_ASKPASS prints, which is asked as git and ssh ask", async () => {
    const box = await vaultOfProtected();
    const ask = program(box, "ask", `echo "${PASSPHRASE}"; echo more`);
    expect(await read(box, { AGENT_VAULT_ASKPASS: ask })).toEqual(both(VALUE));
    expect(readFileSync(`${ask}.args`, "utf8")).toContain(`1:Passphrase for ${box.ownerKey}: \n`);
    expect(await read(box, { AGENT_VAULT_ASKPASS: program(box, "wrong", "echo no") })).toEqual(both("WRONG_PASSPHRASE"));
    expect(readFileSync(join(box.root, "wrong.args"), "utf8").trim().split("\n")).toHaveLength(2);
    expect(await read(box, { AGENT_VAULT_ASKPASS: "/missing" })).toEqual(both("PASSPHRASE_REQUIRED"));
    expect(await read(box)).toEqual(both("PASSPHRASE_REQUIRED"));
  });

  it("is opened by --passphrase-fd, which leaves the rest of standard input to the command", async () => {
    const box = await vaultOfProtected();
    const get = await box.process(["--passphrase-fd", "0", "get", "stripe/api-key"], { input: `${PASSPHRASE}\n` });
    expect([get.stdout.toString(), get.stderr]).toEqual([VALUE, ""]);
    const set = await box.process(["set", "stripe/api-key", "--passphrase-fd=0"], { input: `${PASSPHRASE}\nsecond value` });
    expect(set.code).toBe(0);
    const file = box.write(join(box.root, "passphrase"), PASSPHRASE);
    const words = `exec ${process.execPath} "$0" --passphrase-fd 3 run --secret stripe/api-key=K -- sh -c 'test "$K" = "second value"; echo $?; cat <&3' 3< ${file}`;
    const run = await box.run("sh", ["-c", words, CLI]);
    expect(run.stdout.toString()).toBe("0\n");
    for (const fd of ["9", "x", "-1"]) expect(errorCode(await box.process(["get", "stripe/api-key", "--passphrase-fd", fd]))).toBe("USAGE");
  });

  it("is opened by the option of the same name in a program", async () => {
    const box = await vaultOfProtected();
    vi.stubEnv("AGENT_VAULT_HOME", join(box.home, ".agent-vault"));
    onTestFinished(() => void vi.unstubAllEnvs());
    const passphraseFd = openSync(box.write(join(box.root, "passphrase"), `${PASSPHRASE}\r\nmore`), "r");
    const vault = new Vault({ repoPath: box.repository, passphraseFd });
    expect([await vault.get("stripe/api-key"), await vault.get("stripe/api-key")]).toEqual(both(VALUE));
  });
});
