import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CLI, errorCode, Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { resign } from "../support/signing.js";

async function newVault(): Promise<Sandbox> {
  const box = new Sandbox();
  await makeVault(box);
  return box;
}

async function valueOf(box: Sandbox, path: string): Promise<Buffer> {
  const outcome = await box.cli(["get", path]);
  expect(outcome.stderr).toBe("");
  expect(outcome.code).toBe(0);
  return outcome.stdout;
}

interface Listed {
  name: string;
  agents: string[];
  groups: string[];
  version: number;
  expires?: string;
  [field: string]: unknown;
}

async function listed(box: Sandbox, path: string): Promise<Listed> {
  const all = JSON.parse(await box.ok("list", "--json")) as Listed[];
  return all.find(({ name }) => name === path)!;
}

describe("set", () => {
  it("takes a value from standard input without the newline that echo adds, and with it on --exact", async () => {
    const box = await newVault();
    await box.cli(["set", "a/echoed"], { input: "hunter2\n" });
    await box.cli(["set", "a/two-lines"], { input: "one\ntwo\n\n" });
    await box.cli(["set", "a/windows"], { input: "hunter2\r\n" });
    await box.cli(["set", "a/exact", "--exact"], { input: "hunter2\n" });
    expect((await valueOf(box, "a/echoed")).toString()).toBe("hunter2");
    expect((await valueOf(box, "a/two-lines")).toString()).toBe("one\ntwo\n");
    expect((await valueOf(box, "a/windows")).toString()).toBe("hunter2");
    expect((await valueOf(box, "a/exact")).toString()).toBe("hunter2\n");
  });

  it("keeps a file's and an argument's bytes as they are", async () => {
    const box = await newVault();
    const bytes = Buffer.from([0, 255, 13, 10, 10, 128]);
    writeFileSync(join(box.repository, "value.bin"), bytes);
    await box.ok("set", "a/file", "--from-file", "value.bin");
    const read = await box.cli(["get", "a/file"]);
    expect(read.stdout).toEqual(bytes);
    expect(read.stderr).toMatch(/^warning: a\/file .*\b6\b/);

    const set = await box.cli(["set", "a/word", "päss 🔑\n"]);
    expect(set.stderr).toMatch(/^warning: /);
    expect((await valueOf(box, "a/word")).toString()).toBe("päss 🔑\n");
  });

  it("takes an empty value where it is meant, and says so", async () => {
    const box = await newVault();
    writeFileSync(join(box.repository, "nothing"), "");
    for (const [words, input] of [
      [["a/word", ""], undefined],
      [["a/file", "--from-file", "nothing"], undefined],
      [["a/pipe", "--empty"], ""],
      [["a/no-input", "--empty"], undefined],
    ] as const) {
      const outcome = await box.cli(["set", "--json", ...words], input === undefined ? {} : { input });
      expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
      expect(JSON.parse(outcome.stdout.toString())).toMatchObject({ bytes: 0 });
      expect(await valueOf(box, words[0])).toHaveLength(0);
    }
  });

  it("refuses what a command that failed or an unset variable pipes in, and keeps the value", async () => {
    const box = await newVault();
    await box.set("a/x", "precious");
    const head = box.git("rev-parse", "HEAD");
    for (const input of ["", "\n"]) {
      const outcome = await box.cli(["set", "a/x"], { input });
      expect([outcome.code, errorCode(outcome)]).toEqual([2, "VALUE_REQUIRED"]);
      expect(errorCode(await box.cli(["set", "a/new"], { input }))).toBe("VALUE_REQUIRED");
    }
    expect(errorCode(await box.cli(["set", "a/x", "-"]))).toBe("VALUE_REQUIRED");
    expect(box.git("rev-parse", "HEAD")).toBe(head);
    expect((await valueOf(box, "a/x")).toString()).toBe("precious");
  });

  it("takes - for standard input", async () => {
    const box = await newVault();
    const outcome = await box.cli(["set", "a/x", "-"], { input: "piped" });
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    expect((await valueOf(box, "a/x")).toString()).toBe("piped");
  });

  it("takes 1 MiB and refuses a byte more, unless the vault's settings say otherwise", async () => {
    const box = await newVault();
    await box.set("a/big", Buffer.alloc(1024 * 1024, 7));
    expect(await valueOf(box, "a/big")).toHaveLength(1024 * 1024);
    const refused = await box.cli(["set", "a/big", "--exact"], { input: Buffer.alloc(1024 * 1024 + 1) });
    expect([refused.code, errorCode(refused)]).toEqual([2, "VALUE_TOO_LARGE"]);

    const endless = await box.run("sh", ["-c", `cat /dev/zero | "${process.execPath}" "${CLI}" set a/endless`]);
    expect(errorCode(endless)).toBe("VALUE_TOO_LARGE");

    const config = join(box.vault, "config.yaml");
    writeFileSync(config, `${readFileSync(config, "utf8")}settings:\n  max_value_bytes: 4\n`);
    await box.sign();
    expect((await box.cli(["set", "a/four"], { input: "1234" })).code).toBe(0);
    expect(errorCode(await box.cli(["set", "a/five"], { input: "12345" }))).toBe("VALUE_TOO_LARGE");

    // No setting makes room for a value that could not be read again.
    writeFileSync(config, readFileSync(config, "utf8").replace("max_value_bytes: 4", `max_value_bytes: ${128 * 1024 * 1024}`));
    await box.sign();
    await expect(box.set("a/huge", Buffer.alloc(62 * 1024 * 1024 + 1))).rejects.toMatchObject({ code: "VALUE_TOO_LARGE" });
  });

  it("makes a value that nobody sees", async () => {
    const box = await newVault();
    const outcome = await box.cli(["set", "a/made", "--generate", "--length", "40"]);
    const value = (await valueOf(box, "a/made")).toString();
    expect(value).toMatch(/^[A-Za-z0-9_-]{40}$/);
    expect(outcome.stdout.toString() + outcome.stderr).not.toContain(value);
  });

  it("asks for a value, and without anybody to ask says what to do", async () => {
    const box = await newVault();
    const outcome = await box.cli(["set", "a/none"]);
    expect([outcome.code, errorCode(outcome)]).toEqual([2, "VALUE_REQUIRED"]);
    expect(box.git("status", "--porcelain")).toBe("");
  });

  it("takes one value and not two", async () => {
    const box = await newVault();
    const outcome = await box.cli(["set", "a/two", "value", "--generate"]);
    expect([outcome.code, errorCode(outcome)]).toEqual([2, "USAGE"]);
  });

  it("never repeats a stray word, which may be a part of the value", async () => {
    const box = await newVault();
    for (const words of [
      ["a/x", "correct", "horse"],
      ["a/x", "-horse"],
      ["a/x", "--horse=battery"],
    ]) {
      const outcome = await box.cli(["set", ...words]);
      expect(outcome.code).toBe(2);
      expect(outcome.stderr + outcome.stdout.toString()).not.toContain("horse");
    }
    expect((await box.cli(["set", "a/x", "--", "-horse"])).code).toBe(0);
    expect((await valueOf(box, "a/x")).toString()).toBe("-horse");
  });

  it("keeps every attribute, and removes those that are taken back", async () => {
    const box = await newVault();
    const attributes = ["--description", "for invoices", "--provider", "Stripe", "--account", "acct_1", "--environment", "production"];
    const more = ["--access", "read-write", "--tags", "billing,eu", "--rotate-after", "90", "--expires", "2096-02-29"];
    expect((await box.cli(["set", "stripe/api-key", ...attributes, ...more], { input: "one" })).code).toBe(0);
    expect(await listed(box, "stripe/api-key")).toMatchObject({
      name: "stripe/api-key",
      group: "stripe",
      description: "for invoices",
      provider: "Stripe",
      account: "acct_1",
      environment: "production",
      access: "read-write",
      tags: ["billing", "eu"],
      rotate_after_days: 90,
      expires: "2096-02-29T00:00:00Z",
      version: 1,
    });
    await box.ok("set", "stripe/api-key", "--keep-value", "--expires", "never", "--rotate-after", "0", "--description", "changed");
    const after = await listed(box, "stripe/api-key");
    expect(after).toMatchObject({ description: "changed", provider: "Stripe", version: 1 });
    expect(after).not.toHaveProperty("expires");
    expect(after).not.toHaveProperty("rotate_after_days");
    expect((await valueOf(box, "stripe/api-key")).toString()).toBe("one");
  });

  it("counts versions with each value, and not with a grant", async () => {
    const box = await newVault();
    await box.set("stripe/api-key", "one");
    const first = await listed(box, "stripe/api-key");
    await box.addAgent("bot", "stripe");
    expect(await listed(box, "stripe/api-key")).toMatchObject({ version: 1, rotated: first["rotated"] });
    await box.set("stripe/api-key", "two");
    expect(await listed(box, "stripe/api-key")).toMatchObject({ version: 2, created: first["created"] });
  });

  it("refuses what is no time, no access level and no agent, and changes nothing", async () => {
    const box = await newVault();
    for (const [flags, code] of [
      [["--expires", "soon"], "INVALID_VALUE"],
      [["--expires", "2097-02-29"], "INVALID_VALUE"],
      [["--expires", "2097-02-29T12:00:00Z"], "INVALID_VALUE"],
      [["--expires", "2020-01-01"], "INVALID_VALUE"],
      [["--expires", "0d"], "INVALID_VALUE"],
      [["--rotate-after", "-1"], "USAGE"],
      [["--access", "root"], "USAGE"],
      [["--agents", "nobody"], "AGENT_NOT_FOUND"],
      [["--group", "../x"], "INVALID_NAME"],
    ] as const) {
      expect(errorCode(await box.cli(["set", "a/x", ...flags], { input: "v" })), flags.join(" ")).toBe(code);
    }
    expect(box.git("log", "--format=%s").trim()).toBe("agent-vault: init");
  });

  it("keeps an expiry that has passed since it was given", async () => {
    const box = await newVault();
    expect((await box.cli(["set", "a/x", "--expires", "1d"], { input: "1" })).code).toBe(0);
    const file = join(box.vault, "secrets/a/x.meta");
    writeFileSync(file, readFileSync(file, "utf8").replace(/^expires: .*$/m, "expires: 2020-01-01T00:00:00Z"));
    await box.sign();
    expect((await box.cli(["set", "a/x", "--expires", "2020-01-01"], { input: "2" })).code).toBe(0);
    expect(await listed(box, "a/x")).toMatchObject({ expires: "2020-01-01T00:00:00Z", version: 2 });
  });

  it("stores in a group of the person's choice, and in default without one", async () => {
    const box = await newVault();
    await box.set("token", "1");
    expect((await box.cli(["set", "x/y", "--group", "shared"], { input: "2" })).code).toBe(0);
    expect((await listed(box, "token")).groups).toEqual(["default"]);
    expect((await listed(box, "x/y")).groups).toEqual(["shared"]);
    expect((await valueOf(box, "default/token")).toString()).toBe("1");
    expect(JSON.parse(await box.ok("list", "--group", "shared", "--json"))).toHaveLength(1);
  });

  it("refuses two names that differ in case only", async () => {
    const box = await newVault();
    await box.set("stripe/api-key", "1");
    for (const twin of ["stripe/API-key", "Stripe/other"]) {
      expect(errorCode(await box.cli(["set", twin], { input: "2" })), twin).toBe("ALREADY_EXISTS");
    }
  });

  it("takes a secret out of a group, and those who read it by that group lose it", async () => {
    const box = await newVault();
    await box.set("a/x", "1");
    await box.set("b/y", "2");
    await box.addAgent("ann", "b");
    await box.ok("set", "a/x", "--keep-value", "--group", "b");
    const read = ["get", "a/x", "--key", box.agentKey("ann")];
    expect((await box.cli(read)).stdout.toString()).toBe("1");
    expect(JSON.parse(await box.ok("set", "a/x", "--keep-value", "--remove-group", "b", "--json"))).toMatchObject({ lost: ["ann"] });
    expect(errorCode(await box.cli(read))).toBe("NOT_AUTHORIZED");
    expect(await listed(box, "a/x")).toMatchObject({ groups: ["a"], group: "a", agents: [], version: 1 });
    await box.ok("set", "a/x", "--keep-value", "--group", "c", "--remove-group", "a");
    expect(await listed(box, "a/x")).toMatchObject({ groups: ["c"], group: "c" });
  });

  it("keeps the value and encrypts it again where it is for others than it should be, as check advises", async () => {
    const box = await newVault();
    await box.set("a/x", "1");
    await box.addAgent("ann", "a");
    const manifest = join(box.vault, "manifest.yaml");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace("  - a\n", ""));
    resign(box);
    const findings = async () =>
      (JSON.parse((await box.cli(["check", "--json"])).stdout.toString()) as { findings: { kind: string; remedy: string }[] }).findings;
    const found = (await findings()).find(({ kind }) => kind === "recipients-differ");
    expect(found!.remedy).toContain("agent-vault set a/x --keep-value");
    await box.ok("set", "a/x", "--keep-value");
    expect((await findings()).map(({ kind }) => kind)).not.toContain("recipients-differ");
    expect(errorCode(await box.cli(["get", "a/x", "--key", box.agentKey("ann")]))).toBe("NOT_AUTHORIZED");
    expect((await valueOf(box, "a/x")).toString()).toBe("1");
  });

  it("changes nothing on --dry-run", async () => {
    const box = await newVault();
    await box.set("a/x", "1");
    const before = box.git("rev-parse", "HEAD");
    expect((await box.cli(["set", "a/x", "--dry-run"], { input: "2" })).code).toBe(0);
    expect(box.git("rev-parse", "HEAD")).toBe(before);
    expect((await valueOf(box, "a/x")).toString()).toBe("1");
  });
});
