import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CLI, errorCode, prepared, type Outcome, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { resign } from "../support/signing.js";

const SDK = resolve(import.meta.dirname, "../../sdk-node/dist/index.js");
const KEY = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
const URL_VALUE = "correct-horse-battery-staple";

const vault = prepared(
  async (box) => {
    const secrets = {
      "stripe/api-key": KEY,
      "stripe/webhook": "whsec_0123456789abcdef",
      "db/password": URL_VALUE,
      "prod/key": { value: "prod-value-that-is-long", environment: "production" },
      tiny: "abc",
      "binary/blob": Buffer.from([0, 255, 254, 1, 2, 3, 4, 5, 6, 7]),
    };
    await makeVault(box, secrets, { bot: ["stripe"] });
  },
  { audit: true },
);

type Entry = Record<string, unknown>;

async function last(box: Sandbox, count = 1): Promise<Entry[]> {
  return JSON.parse(await box.ok("audit", "--json", "--last", String(count))) as Entry[];
}

const policy = async (box: Sandbox, text: string) => {
  writeFileSync(join(box.vault, "policy.yaml"), text);
  await box.sign();
};

/** Prints its environment as JSON, in base64 twice so that nothing is scrubbed: what the child really got. */
const SHOW_ENV =
  "process.stdout.write(Buffer.from(Buffer.from(JSON.stringify(process.env)).toString('base64').split('').reverse().join('')).toString('hex'))";

function environmentOf(outcome: Outcome): Record<string, string> {
  const reversed = Buffer.from(outcome.stdout.toString(), "hex").toString();
  return JSON.parse(Buffer.from(reversed.split("").toReversed().join(""), "base64").toString()) as Record<string, string>;
}

describe("run", () => {
  it("gives a command secrets that nobody else sees, its words as they are, and ends as it does", async () => {
    const box = await vault();
    const script =
      "console.log(process.argv.slice(1).join('|'), process.env.STRIPE_API_KEY, process.env.PW); console.error(process.env.PW); process.exit(7)";
    const words = [
      "--secret",
      "stripe/api-key",
      "--inject",
      "PW=db/password",
      "--",
      process.execPath,
      "-e",
      script,
      "--",
      "b",
      "a",
      "b",
      "--json",
      "--secret",
      "x",
    ];
    const outcome = await box.cli(["run", ...words]);
    expect(outcome.code).toBe(7);
    expect(outcome.stdout.toString()).toBe("b|a|b|--json|--secret|x [REDACTED:stripe/api-key] [REDACTED:db/password]\n");
    expect(outcome.stderr).toBe("[REDACTED:db/password]\n");
    expect((await last(box))[0]).toMatchObject({
      action: "run",
      outcome: "done",
      exit_code: 7,
      secrets: ["stripe/api-key", "db/password"],
    });
  });

  it("takes secrets by group, file of variables, profile and file, and passes nothing of its own on", async () => {
    const box = await vault();
    box.write("app.env", `# comment\nexport URL="postgres://u:vault://db/password@h/d"\nPLAIN=1\n`);
    const config = join(box.home, ".config/agent-vault");
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "profiles.toml"), `[p]\nsecrets = ["db/password"]\n`, { mode: 0o600 });
    const env = { AGENT_VAULT_KEY: readFileSync(box.ownerKey, "utf8").trim().split("\n").at(-1)!, AGENT_VAULT_SERVICE: "x", MINE: "kept" };
    const show = ["--", process.execPath, "-e", SHOW_ENV];
    const all = environmentOf(
      await box.cli(["run", "--group", "stripe", "--env-file", "app.env", "--profile", "p", "--file", "BLOB=binary/blob", ...show], {
        env,
      }),
    );
    expect(all).toMatchObject({
      STRIPE_API_KEY: KEY,
      STRIPE_WEBHOOK: "whsec_0123456789abcdef",
      URL: `postgres://u:${URL_VALUE}@h/d`,
      PLAIN: "1",
      DB_PASSWORD: URL_VALUE,
      MINE: "kept",
    });
    expect(Object.keys(all).filter((name) => name.startsWith("AGENT_VAULT"))).toEqual([]);
    expect(existsSync(all["BLOB"]!)).toBe(false);
    const clean = environmentOf(await box.cli(["run", "--secret", "db/password=PW", "--clean-env", ...show], { env }));
    expect(clean).toMatchObject({ PW: URL_VALUE, HOME: box.home });
    expect(clean["MINE"]).toBeUndefined();
  });

  it("names variables by the last part of a path where that is asked for", async () => {
    const box = await vault();
    const words = ["run", "--group", "stripe", "--secret", "db/password", "--secret", "prod/key=PROD", "--names", "last"];
    const env = { AGENT_VAULT_APPROVE: "once" };
    const all = environmentOf(await box.cli([...words, "--", process.execPath, "-e", SHOW_ENV], { env }));
    expect(all).toMatchObject({ API_KEY: KEY, WEBHOOK: "whsec_0123456789abcdef", PASSWORD: URL_VALUE, PROD: "prod-value-that-is-long" });
    expect(all["STRIPE_API_KEY"]).toBeUndefined();
  });

  it("has a file's bytes in memory while the command runs, for nobody else", async () => {
    const box = await vault();
    const script = `const fs=require("fs");const s=fs.statSync(process.env.BLOB);console.log((s.mode&0o777).toString(8),s.size,fs.readFileSync(process.env.BLOB).equals(Buffer.from([0,255,254,1,2,3,4,5,6,7])))`;
    const outcome = await box.cli(["run", "--file", "BLOB=binary/blob", "--", process.execPath, "-e", script]);
    expect(outcome.stdout.toString()).toBe("600 10 true\n");
  });

  it("passes standard input through, byte for byte", async () => {
    const box = await vault();
    const input = Buffer.from([0, 1, 2, 253, 254, 255, 10, 13, 0]);
    expect((await box.cli(["run", "--secret", "db/password", "--", "cat"], { input })).stdout).toEqual(input);
  });

  it("keeps secrets that were typed into the command out of the record, and ends like the child", async () => {
    const box = await vault();
    expect((await box.cli(["run", "--secret", "db/password", "--", "sh", "-c", `echo ${URL_VALUE}; kill -TERM $$`])).code).toBe(143);
    expect((await last(box))[0]).toMatchObject({
      command: ["sh", "-c", "echo [REDACTED:db/password]; kill -TERM $$"],
      exit_code: 143,
      reason: "Ended by SIGTERM.",
    });
    const late = await box.cli(["run", "--secret", "db/password", "--timeout", "1s", "--", "sleep", "30"]);
    expect([late.code, late.stderr]).toEqual([124, expect.stringContaining("1s")]);
    expect((await box.cli(["run", "--secret", "db/password", "--shell", "--", "exit 3"])).code).toBe(3);
    expect(await box.ok("audit", "--command", "SLEEP 30", "--json")).toBe("[]\n");
    expect(JSON.parse(await box.ok("audit", "--command", "sleep", "--json"))).toHaveLength(1);
    expect(JSON.stringify(await last(box, 50))).not.toContain(URL_VALUE);
  });
});

describe("each step of a use that fails lets nothing after it happen", () => {
  // The agent's key does not open db/password, so where something else than NOT_AUTHORIZED is said, nothing was decrypted.
  const NOT_OPENED = "db/password";
  const DENY = `version: 1\nrules:\n  - secrets: ["**"]\n    allow: all\n    approval: always\n`;
  const steps: [
    name: string,
    code: string,
    exit: number,
    flags: string[],
    env: Record<string, string>,
    prepare?: (box: Sandbox) => unknown,
  ][] = [
    ["a name that is none", "SECRET_NOT_FOUND", 3, ["--secret", "db/pasword"], {}],
    ["a token, before a policy that cannot be read", "TOKEN_INVALID", 6, ["--secret", NOT_OPENED], { AGENT_VAULT_TOKEN: "" }],
    [
      "a policy, before the approval",
      "POLICY_DENIED",
      6,
      ["--secret", NOT_OPENED],
      { AGENT_VAULT_APPROVE: "deny" },
      (box) => policy(box, "version: 1\nrules:\n  - secrets: [stripe/*]\n    allow: all\n"),
    ],
    ["a policy that cannot be read", "INVALID_POLICY", 6, ["--secret", NOT_OPENED], {}, (box) => badPolicy(box)],
    [
      "an approval that is refused",
      "APPROVAL_DENIED",
      6,
      ["--secret", "stripe/api-key"],
      { AGENT_VAULT_APPROVE: "deny" },
      (box) => policy(box, DENY),
    ],
    [
      "an approval that nobody can give",
      "APPROVAL_UNAVAILABLE",
      6,
      ["--secret", "stripe/api-key"],
      { AGENT_VAULT_APPROVE: "once" },
      (box) => policy(box, DENY),
    ],
    ["decryption", "NOT_AUTHORIZED", 4, ["--secret", NOT_OPENED], {}],
    ["a value too short to scrub", "SECRET_TOO_SHORT", 6, ["--secret", "tiny", "--key", "OWNER"], {}],
    ["a value that no variable can hold", "INVALID_VALUE", 2, ["--secret", "binary/blob", "--key", "OWNER"], {}],
  ];
  it.each(steps)("%s", async (_name, code, exit, flags, env, prepare) => {
    const box = await vault();
    await prepare?.(box);
    const key = flags.includes("OWNER") ? [] : ["--key", box.agentKey("bot")];
    const words = flags.map((flag) => (flag === "OWNER" ? box.ownerKey : flag));
    const outcome = await box.cli(["run", ...words, ...key, "--", "touch", "child-ran"], { env });
    expect(errorCode(outcome)).toBe(code);
    expect(outcome.code).toBe(exit);
    expect(existsSync(join(box.repository, "child-ran"))).toBe(false);
    const [row] = await last(box);
    expect(row).toMatchObject({ action: "run", outcome: [4, 6].includes(exit) && code !== "SECRET_TOO_SHORT" ? "denied" : "failed" });
    expect(row!["reason"]).toContain(`[${code}]`);
  });

  it("the record", async () => {
    const box = await vault();
    const ledger = join(box.home, ".agent-vault/ledger");
    rmSync(ledger, { recursive: true });
    symlinkSync(box.root, ledger);
    const outcome = await box.cli(["run", "--secret", NOT_OPENED, "--key", box.agentKey("bot"), "--", "touch", "child-ran"]);
    expect(errorCode(outcome)).toBe("LEDGER_FOLDER");
    expect(existsSync(join(box.repository, "child-ran"))).toBe(false);
  });

  it("starting the program, and then the record of how it ended", async () => {
    const box = await vault();
    expect((await box.cli(["run", "--secret", "db/password", "--", "no-such-program"])).code).toBe(127);
    expect((await last(box))[0]).toMatchObject({ outcome: "failed", exit_code: 127 });
    box.write("plain.txt", "x");
    expect((await box.cli(["run", "--secret", "db/password", "--", "./plain.txt"])).code).toBe(126);
    const folder = join(box.home, ".agent-vault/ledger");
    const breaking = `rm -r ${folder}; touch ${folder}; exit 9`;
    const outcome = await box.cli(["run", "--secret", "db/password", "--", "sh", "-c", breaking]);
    expect(outcome.code).toBe(9);
    expect(outcome.stderr).toMatch(/^warning: /m);
  });

  /** An owner's agent-vault would not sign it: it comes from another program of theirs. */
  function badPolicy(box: Sandbox): void {
    writeFileSync(join(box.vault, "policy.yaml"), "version: 1\nrules: {}\n");
    resign(box);
  }
});

describe("what cannot be asked for", () => {
  it.each([
    [["--secret", "stripe/api-key=LD_PRELOAD"], "INVALID_VARIABLE"],
    [["--secret", "stripe/api-key=1A"], "INVALID_VARIABLE"],
    [["--secret", "stripe/api-key=X", "--secret", "db/password=X"], "INVALID_VARIABLE"],
    [["--secret", "stripe/api-key", "--group", "stripe", "--inject", "STRIPE_WEBHOOK=db/password"], "INVALID_VARIABLE"],
    [["--secret", "db/password", "--file", "DB_PASSWORD=binary/blob"], "INVALID_VARIABLE"],
    [["--group", "stripe", "--names", "last", "--inject", "WEBHOOK=db/password"], "INVALID_VARIABLE"],
    [["--group", "stripe", "--names", "first"], "USAGE"],
    [["--group", "strip"], "GROUP_NOT_FOUND"],
    // Node 20 looks for such a file itself, even where another program is to read it.
    ...(process.versions.node.startsWith("20.") ? [] : [[["--env-file", "none.env"], "FILE_NOT_FOUND"] as [string[], string]]),
    [["--profile", "none"], "PROFILE_NOT_FOUND"],
    [["--secret", "../x"], "INVALID_NAME"],
    [["--timeout", "soon", "--secret", "db/password"], "INVALID_VALUE"],
    [[], "USAGE"],
  ])("%j is %s", async (flags, code) => {
    const box = await vault();
    const outcome = await box.cli(["run", ...flags, "--", "touch", "child-ran"]);
    expect(errorCode(outcome)).toBe(code);
    expect(existsSync(join(box.repository, "child-ran"))).toBe(false);
  });
});

describe("with a token", () => {
  it("nothing else gives authority, in any command", async () => {
    const box = await vault();
    const token = (await box.ok("token", "mint", "--secret", "stripe/*", "--command", "echo **")).trim();
    const env = { AGENT_VAULT_TOKEN: token };
    expect((await box.cli(["run", "--secret", "stripe/api-key", "--", "echo", "ran"], { env })).stdout.toString()).toBe("ran\n");
    expect((await last(box))[0]).toMatchObject({ who: "eric", identity: expect.stringMatching(/^token:/), outcome: "done" });
    const refused: string[][] = [
      ["run", "--secret", "db/password", "--", "echo", "x"],
      ["run", "--secret", "stripe/api-key", "--", "cat"],
      ["get", "db/password"],
      ["get", "stripe/api-key"],
      ["peek", "db/password"],
      ["inject", "template"],
      ["set", "a/b", "--generate"],
      ["grant", "bot", "db"],
      ["revoke", "bot", "stripe"],
      ["add-agent", "x"],
      ["restore-agent", "bot"],
      ["rotate-owner"],
      ["sign"],
      ["audit"],
      ["audit", "verify"],
      ["token", "mint"],
      ["session", "start"],
      ["lease", "db/password"],
      ["revoke-all", "--yes"],
      ["profile", "mint", "p"],
      ["index", "rebuild"],
      ["sync"],
    ];
    box.write("template", "{{ vault://stripe/api-key }}");
    for (const words of refused) {
      const outcome = await box.cli(words, { env });
      expect([words.join(" "), outcome.code, errorCode(outcome)]).toEqual([words.join(" "), 6, "TOKEN_DENIED"]);
    }
    expect((await box.cli(["get", "stripe/api-key"], { env: { AGENT_VAULT_TOKEN: "" } })).code).toBe(6);
  });

  it("a use that is refused afterwards is not counted", async () => {
    const box = await vault();
    const token = (await box.ok("token", "mint", "--uses", "1")).trim();
    const run = (...flags: string[]) =>
      box.cli(["run", ...flags, "--", "true"], { env: { AGENT_VAULT_TOKEN: token, AGENT_VAULT_APPROVE: "deny" } });
    expect(errorCode(await run("--secret", "prod/key"))).toBe("APPROVAL_DENIED");
    expect((await run("--secret", "db/password")).code).toBe(0);
    expect(errorCode(await run("--secret", "db/password"))).toBe("TOKEN_USED_UP");
  });

  it("that a policy finds too long nothing is used", async () => {
    const box = await vault();
    await policy(box, `version: 1\nrules:\n  - secrets: ["**"]\n    allow: all\n    max_ttl: 1h\n`);
    const token = async (ttl: string) => (await box.ok("token", "mint", "--ttl", ttl)).trim();
    const run = async (ttl: string) =>
      errorCode(await box.cli(["run", "--secret", "db/password", "--", "true"], { env: { AGENT_VAULT_TOKEN: await token(ttl) } }));
    expect(await run("59m")).toBeUndefined();
    expect(await run("61m")).toBe("POLICY_DENIED");
  });
});

describe("approvals", () => {
  it("are asked for production secrets, hold for a session, and are on record", async () => {
    const box = await vault();
    const run = (env: Record<string, string>) => box.cli(["run", "--secret", "prod/key", "--", "true"], { env });
    expect(errorCode(await run({}))).toBe("APPROVAL_UNAVAILABLE");
    const { id } = JSON.parse(await box.ok("session", "start", "--json")) as { id: string };
    const session = { AGENT_VAULT_SESSION: id };
    expect(errorCode(await run(session))).toBe("APPROVAL_UNAVAILABLE");
    expect((await run({ ...session, AGENT_VAULT_APPROVE: "session" })).code).toBe(0);
    expect((await last(box))[0]!["reason"]).toContain("AGENT_VAULT_APPROVE");
    expect((await run(session)).code).toBe(0);
    expect((await last(box))[0]!["reason"]).toMatch(/session/);
    expect(errorCode(await box.cli(["run", "--secret", "prod/key", "--", "echo", "other"], { env: session }))).toBe("APPROVAL_UNAVAILABLE");
    await box.ok("session", "end", id);
    expect(errorCode(await run(session))).toBe("SESSION_NOT_FOUND");
  });
});

it("nobody is asked about a use that the key cannot make, and it is on record as denied", async () => {
  const box = await vault();
  const key = ["--key", box.agentKey("bot")];
  expect(errorCode(await box.cli(["run", "--secret", "prod/key", ...key, "--", "true"]))).toBe("NOT_AUTHORIZED");
  expect(errorCode(await box.cli(["run", "--secret", "db/password", ...key, "--", "true"]))).toBe("NOT_AUTHORIZED");
  expect((await last(box, 2)).map(({ outcome }) => outcome)).toEqual(["denied", "denied"]);
});

describe("a coding agent", () => {
  const env = { CLAUDECODE: "1" };
  it("is shown no value, and told of the command that uses it unseen", async () => {
    const box = await vault();
    const outcome = await box.cli(["get", "stripe/api-key"], { env });
    expect(errorCode(outcome)).toBe("HARNESS_DENIED");
    expect(outcome.stderr).toContain("agent-vault run --secret stripe/api-key");
    expect(outcome.stdout.toString()).toBe("");
    expect((await last(box))[0]).toMatchObject({ action: "get", outcome: "denied", harness: "claude-code" });
    box.write("template", "{{ vault://stripe/api-key }}");
    expect(errorCode(await box.cli(["inject", "template"], { env }))).toBe("HARNESS_DENIED");
    expect((await box.cli(["run", "--secret", "stripe/api-key", "--", "true"], { env })).code).toBe(0);
    await policy(box, `version: 1\nrules:\n  - secrets: ["**"]\n    allow: {actions: [get]}\n`);
    expect((await box.cli(["get", "stripe/api-key"], { env })).stdout.toString()).toBe(KEY);
  });
});

describe("a policy", () => {
  it("decides over get and over programs that read, and cannot be taken away to get past it", async () => {
    const box = await vault();
    await policy(
      box,
      `version: 1\nrules:\n  - secrets: [stripe/api-key]\n    allow: all\n  - secrets: [db/*]\n    allow: {actions: [get]}\n`,
    );
    expect(errorCode(await box.cli(["get", "stripe/webhook"]))).toBe("POLICY_DENIED");
    expect((await box.cli(["get", "db/password"])).code).toBe(0);
    const program = `import { Vault } from ${JSON.stringify(SDK)};
      const vault = new Vault({ repoPath: "." });
      for (const path of ["stripe/api-key", "db/password"]) console.log(await vault.get(path).then(() => "read", (error) => error.code));`;
    const outcome = await box.run(process.execPath, ["--input-type=module", "-e", program]);
    expect(outcome.stdout.toString()).toBe("read\nPOLICY_DENIED\n");
    rmSync(join(box.vault, "policy.yaml"));
    for (const words of [
      ["get", "stripe/webhook"],
      ["run", "--secret", "stripe/webhook", "--", "true"],
    ])
      expect(errorCode(await box.cli(words)), words[0]).toBe("TAMPERED");
  });
});

describe("inject", () => {
  it("fills a template on standard output, and into a file that only its owner reads", async () => {
    const box = await vault();
    box.write("template", "key: {{ vault://stripe/api-key }}\nagain: {{vault://stripe/api-key}} {{ other }}\n");
    expect(await box.ok("inject", "template")).toBe(`key: ${KEY}\nagain: ${KEY} {{ other }}\n`);
    writeFileSync(join(box.repository, "out"), "longer than what comes ".repeat(9), { mode: 0o644 });
    await box.ok("inject", "template", "--out", "out");
    expect(readFileSync(join(box.repository, "out"), "utf8")).toBe(`key: ${KEY}\nagain: ${KEY} {{ other }}\n`);
    expect(statSync(join(box.repository, "out")).mode & 0o777).toBe(0o600);
    symlinkSync("out", join(box.repository, "link"));
    expect(errorCode(await box.cli(["inject", "template", "--out", "link"]))).toBe("UNWRITABLE");
    expect((await box.cli(["inject", "-"], { input: Buffer.from([255, 0, 10]) })).stdout).toEqual(Buffer.from([255, 0, 10]));
    expect(errorCode(await box.cli(["inject", "-"], { input: "{{ vault://a b }}" }))).toBe("INVALID_REFERENCE");
    expect(errorCode(await box.cli(["inject", "-"], { input: "{{ vault://none/x }} {{ vault://stripe/api-key }}" }))).toBe(
      "SECRET_NOT_FOUND",
    );
  });
});

it("leaves no secret file behind when the runner is killed, and the record says that it never ended", async () => {
  const box = await vault();
  const words = ["run", "--file", "BLOB=binary/blob", "--secret", "db/password", "--", "sh", "-c", "echo $BLOB; cat"];
  const child = spawn(process.execPath, [CLI, ...words], { cwd: box.repository, env: box.env, stdio: ["pipe", "pipe", "inherit"] });
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  const file = chunk.toString().trim();
  expect(existsSync(file)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "close");
  const folder = join(file, "..");
  await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
  expect((await last(box))[0]).toMatchObject({ action: "run", outcome: "started" });
  expect(readdirSync("/dev/shm").filter((name) => file.includes(name))).toEqual([]);
});
