import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { errorCode, prepared, refusal, type Outcome, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

let box: Sandbox;
let head: string;

const vault = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "sk_1", token: "t" }, { "billing-agent": [] });
});

beforeEach(async () => {
  box = await vault();
  head = box.git("rev-parse", "HEAD");
});

function expectRefusal(outcome: Outcome, code: string, exit: number): void {
  expect(refusal(outcome)).toEqual([code, exit]);
  expect(outcome.stdout).toHaveLength(0);
  expect(outcome.stderr).not.toContain("    at ");
  expect(box.git("rev-parse", "HEAD")).toBe(head);
}

describe("a mistake gets a code, an exit code and a hint, and changes nothing", () => {
  it.each([
    [["get", "stripe/api-kye"], "SECRET_NOT_FOUND", 3, "stripe/api-key"],
    [["peek", "tokn"], "SECRET_NOT_FOUND", 3, "token"],
    [["delete", "stripe/api_key"], "SECRET_NOT_FOUND", 3, "stripe/api-key"],
    [["move", "stripe/none", "a/b"], "SECRET_NOT_FOUND", 3, ""],
    [["move", "token", "stripe/api-key"], "ALREADY_EXISTS", 7, ""],
    [["move", "token", "token"], "ALREADY_EXISTS", 7, ""],
    [["move", "token", "Stripe/token"], "ALREADY_EXISTS", 7, ""],
    [["revoke", "billing-agent", "stripe"], "NOT_GRANTED", 3, "list-agents"],
    [["revoke", "billing-agent", "stripe/api-key"], "NOT_GRANTED", 3, "list-agents"],
    [["set", "token", "--keep-value", "--group", "STRIPE"], "ALREADY_EXISTS", 7, ""],
    [["set", "token", "--keep-value", "--remove-group", "default"], "INVALID_VALUE", 2, "--group"],
    [["set", "token", "--keep-value", "--remove-group", "stripe"], "GROUP_NOT_FOUND", 3, "default"],
    [["grant", "billing-agnet", "stripe"], "AGENT_NOT_FOUND", 3, "billing-agent"],
    [["grant", "billing-agent", "strpie"], "GROUP_NOT_FOUND", 3, "stripe"],
    [["grant", "billing-agent", "stripe/api-kye"], "SECRET_NOT_FOUND", 3, "stripe/api-key"],
    [["grant", "billing-agent", "token"], "GROUP_NOT_FOUND", 3, "default/token"],
    [["revoke", "nobody", "stripe"], "AGENT_NOT_FOUND", 3, ""],
    [["remove-agent", "nobody"], "AGENT_NOT_FOUND", 3, ""],
    [["recover-agent", "nobody"], "AGENT_NOT_FOUND", 3, ""],
    [["restore-agent", "nobody"], "AGENT_NOT_FOUND", 3, ""],
    [["list", "--group", "strip"], "GROUP_NOT_FOUND", 3, "stripe"],
    [["add-agent", "billing-agent"], "ALREADY_EXISTS", 7, "restore-agent"],
    [["add-agent", "Billing-Agent"], "ALREADY_EXISTS", 7, ""],
    [["init"], "ALREADY_EXISTS", 7, ""],
    [["gte", "x"], "USAGE", 2, "get"],
    [["--json=x"], "USAGE", 2, "--help"],
    [["-C"], "USAGE", 2, "-C DIR"],
    [["hook", "isntall"], "USAGE", 2, "hook install"],
    [["help", "nope"], "USAGE", 2, "nope"],
    [["help", "get", "nope"], "USAGE", 2, "get nope"],
    [["add-agent", "a/b"], "INVALID_NAME", 2, "a/b"],
    [["-C", "missing", "list"], "FILE_NOT_FOUND", 3, "missing"],
    [["get", "token", "-C", "missing"], "FILE_NOT_FOUND", 3, "missing"],
    [["get"], "USAGE", 2, "--help"],
    [["get", "a", "b"], "USAGE", 2, "--help"],
    [["list", "--gruop", "x"], "USAGE", 2, "--group"],
    [["get", "api-key"], "SECRET_NOT_FOUND", 3, "stripe/api-key"],
    [["peek", "stripe"], "SECRET_NOT_FOUND", 3, "stripe/api-key"],
    [["grant", "stripe", "billing-agent"], "AGENT_NOT_FOUND", 3, "is a group"],
    [["list", "--group", "billing-agent"], "GROUP_NOT_FOUND", 3, "is an agent"],
    [["policy", "list"], "USAGE", 2, "explain"],
    [["agents", "list"], "USAGE", 2, "list-agents"],
    [["list", "agents"], "USAGE", 2, "list-agents"],
    [["--key", "k", "get", "x"], "USAGE", 2, "get --key"],
    [["set", "a/b", "--lenght", "9"], "USAGE", 2, "--length"],
    [["set", "a/b", "--length", "x"], "USAGE", 2, "--length"],
    [["set", "a/b", "--length", "5000"], "USAGE", 2, "4096"],
    [["list", "--sort", "x"], "USAGE", 2, "expires"],
    [["list", "--group"], "USAGE", 2, "--group needs a value"],
    [["sign", "--valid-for", "3d"], "USAGE", 2, "--renew"],
    [["lease", "token", "--release", "--ttl", "1h"], "USAGE", 2, "cannot be used together"],
    [["mcp", "install"], "USAGE", 2, "needs --client"],
    [["mcp", "install", "--client", "codex", "--agent", "nobody"], "AGENT_NOT_FOUND", 3, ""],
    [["mcp", "install", "--client", "codex", "--idle-lock", "soon"], "USAGE", 2, "15m"],
    [["run", "--agent", "billing-agent", "--", "true"], "USAGE", 2, "--secret"],
    [["run", "--secret", "KEY=stripe/api-key", "--", "true"], "INVALID_VARIABLE", 2, "stripe/api-key=KEY"],
    [["init", ".git/config"], "INVALID_VALUE", 2, "is a file"],
  ] as const)("%j", async (args, code, exit, hint) => {
    const outcome = await box.cli(args);
    expectRefusal(outcome, code, exit);
    expect(outcome.stderr).toContain(hint);
  });

  it.each([
    "../x",
    "a/../../x",
    "/etc/passwd",
    "a//b",
    "a/",
    ".hidden/x",
    "a/b.enc",
    "a/b.meta",
    "a/b.ENC",
    "a b/c",
    "ä/x",
    "a/\n",
    `${"x".repeat(65)}/a`,
    "a/b/c/d/e/f/g/h/i",
  ])("the name %j in any place", async (name) => {
    for (const args of [
      ["get", name],
      ["peek", name],
      ["set", name],
      ["delete", name],
      ["move", name, "a/b"],
      ["move", "token", name],
    ]) {
      expectRefusal(await box.cli(args, { input: "v" }), "INVALID_NAME", 2);
    }
    for (const args of [
      ["add-agent", name],
      ["grant", name, "stripe"],
      ["remove-agent", name],
      ["restore-agent", name],
      ["set", "a/b", "--group", name],
      ["list", "--group", name],
    ]) {
      expectRefusal(await box.cli(args, { input: "v" }), "INVALID_NAME", 2);
    }
  });

  it("no vault, and a folder that is no repository", async () => {
    const outside = join(box.root, "elsewhere");
    mkdirSync(outside);
    expectRefusal(await box.cli(["list"], { cwd: outside }), "VAULT_NOT_FOUND", 3);
    expectRefusal(await box.cli(["-C", outside, "get", "x"]), "VAULT_NOT_FOUND", 3);
  });

  it("flags before the command, and folders one after the other", async () => {
    mkdirSync(join(box.repository, "a/b"), { recursive: true });
    for (const words of [
      ["-C", "a", "-C", "b", "get", "token", "--json"],
      ["get", "token", "-Ca", "-C", "b", "--json"],
      ["--json", "--directory=a", "--directory", "b", "get", "token"],
    ]) {
      expect(JSON.parse(await box.ok(...words))).toMatchObject({ value: "t" });
    }
    expect((await box.cli(["--json", "-C", "a", "list", "-C", "c"])).stdout.toString()).toContain("FILE_NOT_FOUND");
    expect((await box.cli(["--json", "lst"])).stdout.toString()).toMatch(/"remedy": ".*\blist\b/);
  });

  it("the home folder where the shell has left a ~", async () => {
    const key = "~/.agent-vault/owner.key";
    expect(await box.ok("get", "token", `--key=${key}`)).toBe("t");
    expect((await box.cli(["get", "token"], { env: { AGENT_VAULT_KEY: key } })).stdout.toString()).toBe("t");
    writeFileSync(join(box.home, "value"), "from home");
    await box.ok("set", "from/file", "--from-file=~/value");
    expect(await box.ok("-C~", "get", "from/file", "-C", box.repository)).toBe("from home");
    await box.ok("add-agent", "ci", "--out=~/ci.key");
    await box.ok("restore-agent", "ci", "--out=~/again.key");
    expect(readFileSync(join(box.home, "again.key"), "utf8")).toContain(readFileSync(join(box.home, "ci.key"), "utf8").split("\n").at(-2));
  });

  it("an agent whose key is on another machine is not served here", async () => {
    rmSync(box.agentKey("billing-agent"));
    const words = ["mcp", "install", "--client", "codex", "--agent", "billing-agent"];
    expectRefusal(await box.cli(words), "NO_KEY", 4);
    expect(existsSync(join(box.home, ".codex/config.toml"))).toBe(false);
    expect(await box.ok(...words, "--print", "--idle-lock", "15m")).toContain('"15m"');
  });

  it("what is allowed and probably not meant gets a warning", async () => {
    const key = join(box.root, "open.key");
    copyFileSync(box.ownerKey, key);
    chmodSync(key, 0o644);
    const warned = [
      [await box.cli(["get", "token", "--key", key]), "chmod 600"],
      [await box.cli(["inject", "-"], { input: "{ vault://token }" }), "vault://"],
      [await box.cli(["init", "inner"]), box.vault],
    ] as const;
    for (const [outcome, hint] of warned) {
      expect([outcome.code, outcome.stderr]).toEqual([0, expect.stringContaining("warning:")]);
      expect(outcome.stderr).toContain(hint);
    }
    expect(warned[1][0].stdout.toString()).toBe("{ vault://token }");
  });

  it("no key, an agent's key where an owner's is needed, a key that opens nothing, a file that is no key", async () => {
    const noKey = { env: { HOME: join(box.root, "empty") } };
    expectRefusal(await box.cli(["get", "token"], noKey), "NO_KEY", 4);
    expectRefusal(await box.cli(["get", "token", "--key", "missing.key"]), "NO_KEY", 4);
    const agent = ["--key", box.agentKey("billing-agent")];
    expectRefusal(await box.cli(["grant", "billing-agent", "stripe", ...agent]), "NOT_AUTHORIZED", 4);
    expectRefusal(await box.cli(["get", "token", ...agent]), "NOT_AUTHORIZED", 4);
    expectRefusal(await box.cli(["get", "token", "--key", join(box.vault, "manifest.yaml")]), "INVALID_KEY", 4);
  });

  it("a key in AGENT_VAULT_KEY that is mistyped is not repeated", async () => {
    const text = readFileSync(box.ownerKey, "utf8").trim().split("\n").at(-1)!;
    const right = await box.cli(["get", "token"], { env: { AGENT_VAULT_KEY: text, HOME: join(box.root, "empty") } });
    expect(right.stdout.toString()).toBe("t");
    const path = await box.cli(["get", "token"], { env: { AGENT_VAULT_KEY: box.ownerKey, HOME: join(box.root, "empty") } });
    expect(path.stdout.toString()).toBe("t");
    for (const typo of [text.slice(0, -1), text.replace("AGE-", "AG-"), text.toLowerCase()]) {
      const outcome = await box.cli(["get", "token"], { env: { AGENT_VAULT_KEY: typo } });
      expect(outcome.code).toBe(4);
      expect(outcome.stderr).not.toContain(typo.slice(20, 40));
      expectRefusal(outcome, errorCode(outcome)!, 4);
    }
  });

  it("broken YAML, with file, line and column", async () => {
    writeFileSync(join(box.vault, "manifest.yaml"), "version: 1\nowners: []\nagents:\n- name: [\n");
    for (const args of [["list"], ["grant", "billing-agent", "stripe"]]) expectRefusal(await box.cli(args), "TAMPERED", 5);
    const outcome = await box.cli(["sign", "--dry-run"]);
    expectRefusal(outcome, "INVALID_YAML", 5);
    expect(outcome.stderr).toMatch(/manifest\.yaml.*\b\d+\b.*\b\d+\b/);
    writeFileSync(join(box.vault, "manifest.yaml"), "version: 1\nagents:\n- name: 5\n");
    const schema = await box.cli(["sign", "--dry-run"]);
    expectRefusal(schema, "INVALID_MANIFEST", 5);
    expect(schema.stderr).toMatch(/\b3\b.*\b9\b/);
  });

  it.each([
    ["an anchor", "agents: &all []\ngroups: []\n", 2, 14],
    ["an alias", "agents: []\ngroups: []\nx: *y\n", 4, 4],
    ["a merge key", "agents: []\ngroups: []\n<<: {version: 1}\n", 4, 1],
  ])("YAML with %s, since a change of one part would change another", async (_what, text, line, column) => {
    writeFileSync(join(box.vault, "manifest.yaml"), `version: 1\n${text}`);
    const outcome = await box.cli(["sign", "--dry-run"]);
    expectRefusal(outcome, "INVALID_YAML", 5);
    expect(outcome.stderr).toMatch(new RegExp(`manifest\\.yaml.*\\b${line}\\b.*\\b${column}\\b`));
  });

  it("a manifest in the middle of a merge", async () => {
    await box.addAgent("ours");
    box.git("checkout", "--quiet", "-b", "other", head.trim());
    await box.addAgent("theirs");
    head = box.git("rev-parse", "HEAD");
    expect(() => box.git("merge", "--quiet", "main")).toThrow();
    const { code, stdout, stderr } = await box.cli(["list-agents"]);
    expect([code, stdout.toString().includes("theirs"), stdout.toString().includes("ours")]).toEqual([0, true, false]);
    expect(stderr).toContain("unfinished merge");
    expectRefusal(await box.cli(["set", "token"], { input: "v" }), "REPOSITORY_BUSY", 7);
  });

  it("a damaged value, whole or cut off", async () => {
    const file = join(box.vault, "secrets/stripe/api-key.enc");
    const bytes = readFileSync(file);
    for (const damaged of [bytes.subarray(0, -1), bytes.subarray(0, 40), Buffer.alloc(0), Buffer.concat([bytes, Buffer.from("x")])]) {
      writeFileSync(file, damaged);
      expectRefusal(await box.cli(["get", "stripe/api-key"]), "TAMPERED", 5);
      expectRefusal(await box.cli(["grant", "billing-agent", "stripe"]), "TAMPERED", 5);
      const { digest } = JSON.parse(await box.ok("sign", "--dry-run", "--json")) as { digest: string };
      expectRefusal(await box.cli(["sign", "--yes", digest]), "DAMAGED", 5);
    }
  });

  it("a link in the vault, wherever it points", async () => {
    const file = join(box.vault, "secrets/stripe/api-key.enc");
    const copy = box.write("copy.enc", readFileSync(file));
    rmSync(file);
    symlinkSync(copy, file);
    expectRefusal(await box.cli(["get", "stripe/api-key"]), "LINK_IN_VAULT", 5);
    expectRefusal(await box.cli(["set", "stripe/api-key"], { input: "new" }), "TAMPERED", 5);
    expect(readFileSync(copy)).not.toHaveLength(0);

    rmSync(join(box.vault, "secrets"), { recursive: true });
    mkdirSync(join(box.root, "target/stripe"), { recursive: true });
    symlinkSync(join(box.root, "target"), join(box.vault, "secrets"));
    expectRefusal(await box.cli(["get", "stripe/api-key"]), "LINK_IN_VAULT", 5);
    expectRefusal(await box.cli(["set", "stripe/new"], { input: "new" }), "TAMPERED", 5);
  });

  it("the vault's own folder as a link", async () => {
    const other = join(box.root, "other");
    mkdirSync(other);
    symlinkSync(box.vault, join(other, ".agent-vault"));
    expectRefusal(await box.cli(["get", "token"], { cwd: other }), "LINK_IN_VAULT", 5);
  });

  it("a recipient that cannot be read stops the write", async () => {
    await box.grant("billing-agent", "stripe");
    head = box.git("rev-parse", "HEAD");
    writeFileSync(join(box.vault, "agents/billing-agent/public.key"), "age1nonsense");
    expectRefusal(await box.cli(["set", "stripe/api-key"], { input: "new" }), "TAMPERED", 5);
    expectRefusal(await box.cli(["sign", "--dry-run"]), "INVALID_RECIPIENT", 5);
    rmSync(join(box.vault, "agents/billing-agent/public.key"));
    expectRefusal(await box.cli(["set", "stripe/api-key"], { input: "new" }), "TAMPERED", 5);
    expectRefusal(await box.cli(["sign", "--dry-run"]), "INVALID_MANIFEST", 5);
  });

  it("says the same as JSON", async () => {
    const outcome = await box.cli(["get", "stripe/api-kye", "--json"]);
    expect(outcome.code).toBe(3);
    const { error } = JSON.parse(outcome.stdout.toString()) as { error: { code: string; message: string; remedy: string } };
    expect(error.code).toBe("SECRET_NOT_FOUND");
    expect(error.remedy).toContain("stripe/api-key");
    expect(outcome.stderr).toBe("");
  });

  it("a reader that has seen enough ends the command quietly", async () => {
    for (let index = 0; index < 3; index++) await box.set(`bulk/${index}`, Buffer.alloc(1_000_000, 65));
    const outcome = await box.run("sh", [
      "-c",
      `"${process.execPath}" "$0" get bulk/0 | head -c 1`,
      (await import("../support/sandbox.js")).CLI,
    ]);
    expect(outcome.stdout.toString()).toBe("A");
    expect(outcome.stderr).toBe("");
  });
});

describe("keys at home", () => {
  it("are private, and never overwritten", async () => {
    const { statSync } = await import("node:fs");
    expect(statSync(box.ownerKey).mode & 0o777).toBe(0o600);
    expect(statSync(join(box.home, ".agent-vault")).mode & 0o777).toBe(0o700);
    expect(statSync(box.agentKey("billing-agent")).mode & 0o777).toBe(0o600);
    const before = readFileSync(box.ownerKey);
    await box.ok("init", join(box.root, "second"), "--no-hook");
    expect(readFileSync(box.ownerKey)).toEqual(before);
    writeFileSync(join(box.home, ".agent-vault/agents/other.key"), "precious");
    const chosen = ["--out", join(box.home, ".agent-vault/agents/other.key")];
    expect(errorCode(await box.cli(["add-agent", "other", ...chosen]))).toBe("ALREADY_EXISTS");
    expect(box.git("rev-parse", "HEAD")).toBe(head);
    await box.addAgent("other");
    await box.ok("remove-agent", "other");
    expect(readFileSync(join(box.home, ".agent-vault/agents/other.key"), "utf8")).toBe("precious");
  });

  it("of one vault alone are found by its id", async () => {
    const second = join(box.root, "second");
    await box.ok("init", second, "--new-key", "--no-hook");
    await box.cli(["-C", second, "set", "a/b"], { input: "own" });
    expect((await box.cli(["-C", second, "get", "a/b"])).stdout.toString()).toBe("own");
    expect(errorCode(await box.cli(["-C", second, "get", "a/b", "--key", box.ownerKey]))).toBe("UNTRUSTED_SIGNER");
  });

  it("that others can read are an error to check", async () => {
    chmodSync(box.ownerKey, 0o644);
    const outcome = await box.cli(["check", "--json"]);
    expect(outcome.code).toBe(5);
    expect((JSON.parse(outcome.stdout.toString()) as { findings: object[] }).findings).toContainEqual(
      expect.objectContaining({ severity: "error", kind: "key-permissions", subject: box.ownerKey }),
    );
  });
});
