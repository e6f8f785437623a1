import { appendFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readPolicy } from "#runner/index.js";
import { addAgent, grant, init, openVault, set } from "#vault/index.js";
import { errorCode, prepared, refusal, type Sandbox } from "../support/sandbox.js";

const POLICY = `version: 1
rules:
  - name: payments
    secrets: stripe/*
    allow:
      agents: [billing, "owner:*"]
      branches: [main, release/*]
      commands: npm test
    deny:
      harnesses: codex
    max_ttl: 90m
`;

function linkAway(file: string): void {
  renameSync(file, `${file}.kept`);
  symlinkSync(`${file}.kept`, file);
}

const NO_KEY = { AGENT_VAULT_HOME: "/nonexistent" };

/** A vault with a secret of production, and an agent that reads it. */
const vault = prepared(async (box: Sandbox) => {
  await init(box.context(), {});
  await set(box.context(), {
    vault: box.vault,
    path: "stripe/api-key",
    value: Buffer.from("sk"),
    attributes: { environment: "production" },
  });
  await addAgent(box.context(), { vault: box.vault, agent: "billing" });
  await grant(box.context(), { vault: box.vault, agent: "billing", target: "stripe" });
});

/** The same with the policy above, signed. */
const ruled = prepared(async (box: Sandbox) => {
  await init(box.context(), {});
  await set(box.context(), {
    vault: box.vault,
    path: "stripe/api-key",
    value: Buffer.from("sk"),
    attributes: { environment: "production" },
  });
  await addAgent(box.context(), { vault: box.vault, agent: "billing" });
  box.write(".agent-vault/policy.yaml", POLICY);
  await box.sign();
});

describe("a policy", () => {
  it.each<[what: string, change: (box: Sandbox) => void, code: string]>([
    ["changed", (box) => appendFileSync(join(box.vault, "policy.yaml"), "# mine\n"), "TAMPERED"],
    ["taken away", (box) => rmSync(join(box.vault, "policy.yaml")), "TAMPERED"],
    ["put behind a link", (box) => linkAway(join(box.vault, "policy.yaml")), "LINK_IN_VAULT"],
  ])("that was %s past the owner is not followed", async (_what, change, code) => {
    const box = await ruled();
    const context = box.context();
    const read = async () => {
      const { files } = await openVault(context, box.vault, "files");
      return readPolicy(files);
    };
    expect((await read())!.rules.length).toBe(1);
    change(box);
    await expect(read()).rejects.toMatchObject({ code });
  });

  it("that was added past the owner is not followed", async () => {
    const box = await vault();
    box.write(".agent-vault/policy.yaml", POLICY);
    const { files } = await openVault(box.context(), box.vault, "files");
    await expect(readPolicy(files)).rejects.toMatchObject({ code: "TAMPERED" });
  });
});

describe("policy init", () => {
  it("writes a policy that is in order and counts once it is signed", async () => {
    const box = await vault();
    const { file } = JSON.parse(await box.ok("policy", "init", "--json")) as { file: string };
    expect(file).toMatch(/policy\.yaml$/);
    expect(JSON.parse(await box.ok("policy", "check", "--json"))).toEqual({ file: "policy.yaml", rules: 1, warnings: [] });
    expect(JSON.parse(await box.ok("sign", "--dry-run", "--json"))).toMatchObject({ difference: { files: ["policy.yaml"] } });
    await box.sign();
    expect(box.git("status", "--porcelain")).toBe("");
    const again = await box.cli(["policy", "init"]);
    expect([again.code, errorCode(again)]).toEqual([7, "ALREADY_EXISTS"]);
  });
});

describe("policy check", () => {
  it("names the place of what is wrong, and such a policy is not signed", async () => {
    const box = await vault();
    box.write(".agent-vault/policy.yaml", POLICY.replace("branches", "branch"));
    for (const command of ["policy check", "sign --dry-run"]) {
      const outcome = await box.cli(command.split(" "));
      expect(refusal(outcome)).toEqual(["INVALID_POLICY", 6]);
      expect(outcome.stderr).toMatch(/policy\.yaml.*\b7\b.*\b7\b.*rules\.1\.allow\.branch/);
    }
  });

  it("says what can never come true, of any file, without a key", async () => {
    const box = await vault();
    const none = await box.cli(["policy", "check"]);
    expect([none.code, errorCode(none)]).toEqual([3, "FILE_NOT_FOUND"]);
    box.write("draft.yaml", POLICY.replace("billing", "biling"));
    const { stdout } = await box.cli(["policy", "check", "draft.yaml", "--json"], { env: NO_KEY });
    expect(JSON.parse(stdout.toString())).toEqual({
      file: "draft.yaml",
      rules: 1,
      warnings: [expect.stringMatching(/"payments" .*\b3\b.* biling\b/), expect.stringMatching(/"payments" .*\benv\b/)],
    });
  });
});

describe("policy explain", () => {
  const ASKED = ["policy", "explain", "--secret", "stripe/api-key", "--command", "npm test"];

  it("says which rule decides and why, without a key", async () => {
    const box = await ruled();
    const explain = async (...flags: string[]) => {
      const { stdout } = await box.cli([...ASKED, "--json", ...flags], { env: NO_KEY });
      const { allowed, secrets } = JSON.parse(stdout.toString()) as { allowed: boolean; secrets: { rules: object[] }[] };
      return { allowed, rules: secrets[0]!.rules };
    };
    const rule = { rule: "payments", line: 3 };
    expect(await explain("--agent", "billing")).toEqual({ allowed: true, rules: [expect.objectContaining({ ...rule, effect: "allows" })] });
    const elsewhere = { ...rule, why: expect.stringMatching(/main, release\/\*/) };
    for (const branch of ["wip", ""]) {
      expect(await explain("--branch", branch)).toEqual({ allowed: false, rules: [expect.objectContaining(elsewhere)] });
    }
    const lines = (await box.ok(...ASKED, "--agent", "billing")).trimEnd().split("\n");
    expect(lines).toEqual([
      expect.stringMatching(/^stripe\/api-key: .*"payments"/),
      expect.stringMatching(/^ {2}.*"payments"/),
      expect.stringContaining("90m"),
    ]);
  });

  it("answers in JSON", async () => {
    const box = await ruled();
    const answer = JSON.parse(await box.ok(...ASKED, "--harness", "codex", "--json")) as object;
    expect(answer).toEqual({
      allowed: false,
      approval: "session",
      secrets: [
        {
          secret: "stripe/api-key",
          allowed: false,
          code: "POLICY_DENIED",
          decision: expect.stringContaining('"payments"'),
          approval: "session",
          approval_reason: expect.stringContaining("production"),
          rules: [{ rule: "payments", line: 3, effect: "denies", why: expect.stringContaining("codex") }],
        },
      ],
    });
    const allowed = JSON.parse(await box.ok(...ASKED, "--environment", "test", "--json")) as object;
    expect(allowed).toMatchObject({ allowed: true, approval: "never", max_ttl_seconds: 5400 });
  });

  it("tries a policy that is not signed yet, and says so", async () => {
    const box = await ruled();
    box.write(".agent-vault/policy.yaml", POLICY.replace("codex", '"*"'));
    const { code, stdout, stderr } = await box.cli([...ASKED, "--harness", "gemini", "--json"]);
    expect([code, JSON.parse(stdout.toString())]).toMatchObject([
      0,
      { allowed: false, secrets: [{ rules: [{ rule: "payments", effect: "denies" }] }] },
    ]);
    expect(stderr).toMatch(/^warning: /);
  });

  it.each([
    [["--secret", "stripe/api-kye"], "SECRET_NOT_FOUND"],
    [["--secret", "stripe/api-key", "--agent", "biling"], "AGENT_NOT_FOUND"],
    [[], "USAGE"],
  ])("refuses %j", async (words, code) => {
    const outcome = await (await ruled()).cli(["policy", "explain", ...words]);
    expect(errorCode(outcome)).toBe(code);
  });
});

describe("profile", () => {
  it("lists and shows what the person has named", async () => {
    const box = await vault();
    expect(await box.ok("profile", "list", "--json")).toBe("[]\n");
    expect(await box.ok("profile", "list")).toContain(`${box.home}/.config/agent-vault/profiles.toml`);
    box.write(
      `${box.home}/.config/agent-vault/profiles.toml`,
      '[pay]\ndescription = "test the shop"\nsecrets = { KEY = "stripe/api-key" }\nenv = { URL = "https://vault://a/host/" }\nttl = "1h"\ncaveats = { branch = "main", uses = 2 }\n'.replace(
        "vault://a/host/",
        "{{ vault://a/host }}/",
      ),
    );
    expect(JSON.parse(await box.ok("profile", "list", "--json"))).toEqual([
      { name: "pay", description: "test the shop", secrets: ["stripe/api-key", "a/host"] },
    ]);
    expect(JSON.parse(await box.ok("profile", "show", "pay", "--json"))).toEqual({
      name: "pay",
      description: "test the shop",
      secrets: { KEY: "stripe/api-key" },
      env: { URL: "https://{{ vault://a/host }}/" },
      ttl_seconds: 3600,
      caveats: { branch: ["main"], uses: 2 },
    });
    const missing = await box.cli(["profile", "show", "pya", "--json"]);
    expect([missing.code, JSON.parse(missing.stdout.toString())]).toMatchObject([3, { error: { code: "PROFILE_NOT_FOUND" } }]);
  });
});
