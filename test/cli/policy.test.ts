import { appendFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readPolicy } from "#runner/index.js";
import { addAgent, grant, init, loadKeys, set, VaultFiles, VaultTrust } from "#vault/index.js";
import { errorCode, prepared, type Sandbox } from "../support/sandbox.js";

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
      const files = new VaultFiles(box.vault);
      await new VaultTrust(context, box.vault, await loadKeys(context)).verify(files);
      return readPolicy(files);
    };
    expect((await read())!.rules.length).toBe(1);
    change(box);
    await expect(read()).rejects.toMatchObject({ code });
  });

  it("that was added past the owner is not followed", async () => {
    const box = await vault();
    box.write(".agent-vault/policy.yaml", POLICY);
    const files = new VaultFiles(box.vault);
    await new VaultTrust(box.context(), box.vault, await loadKeys(box.context())).verify(files);
    await expect(readPolicy(files)).rejects.toMatchObject({ code: "TAMPERED" });
  });
});

describe("policy init", () => {
  it("writes a policy that is in order and counts once it is signed", async () => {
    const box = await vault();
    expect(await box.ok("policy", "init")).toMatch(/^Wrote .*policy\.yaml\.\n.*agent-vault sign\.\n$/);
    expect(await box.ok("policy", "check")).toBe("policy.yaml is in order: 1 rule.\n");
    expect(await box.ok("sign", "--dry-run")).toContain("policy.yaml changed");
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
    const expected = "policy.yaml, line 7, column 7: rules.1.allow.branch ";
    for (const command of ["policy check", "sign --dry-run"]) {
      const { code, stderr } = await box.cli(command.split(" "));
      expect([code, stderr]).toEqual([6, expect.stringContaining(expected)]);
      expect(stderr).toContain("[INVALID_POLICY]");
    }
  });

  it("says what can never come true, of any file, without a key", async () => {
    const box = await vault();
    const none = await box.cli(["policy", "check"]);
    expect([none.code, errorCode(none)]).toEqual([3, "FILE_NOT_FOUND"]);
    box.write("draft.yaml", POLICY.replace("billing", "biling"));
    const { stdout } = await box.cli(["policy", "check", "draft.yaml"], { env: NO_KEY });
    expect(stdout.toString()).toMatch(/^warning: rule "payments" \(line 3\) .*biling.*\n.*1 rule.*\n$/);
  });
});

describe("policy explain", () => {
  const ASKED = ["policy", "explain", "--secret", "stripe/api-key", "--command", "npm test"];

  it("says which rule decides and why, without a key", async () => {
    const box = await ruled();
    const { stdout } = await box.cli([...ASKED, "--agent", "billing"], { env: NO_KEY });
    expect(stdout.toString()).toBe(
      [
        'stripe/api-key: Allowed by rule "payments" (line 3). A person is asked, once for the session, since its environment is production.',
        '  rule "payments" (line 3) allows this use',
        "Tokens, leases and sessions last 90m at most.",
        "",
      ].join("\n"),
    );
    expect(await box.ok(...ASKED, "--branch", "wip")).toBe(
      'stripe/api-key: Denied: no rule allows it.\n  rule "payments" (line 3) allows uses with branches main, release/*; here the branch is wip\n',
    );
    expect(await box.ok(...ASKED, "--branch", "")).toContain("here the branch is not known or none");
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
          decision: 'Denied by rule "payments" (line 3).',
          approval: "session",
          approval_reason: "A person is asked, once for the session, since its environment is production.",
          rules: [{ rule: "payments", line: 3, effect: "denies", why: "denies uses with harnesses codex; here the coding agent is codex" }],
        },
      ],
    });
    const allowed = JSON.parse(await box.ok(...ASKED, "--environment", "test", "--json")) as object;
    expect(allowed).toMatchObject({ allowed: true, approval: "never", max_ttl_seconds: 5400 });
  });

  it("tries a policy that is not signed yet, and says so", async () => {
    const box = await ruled();
    box.write(".agent-vault/policy.yaml", POLICY.replace("codex", '"*"'));
    const { code, stdout, stderr } = await box.cli([...ASKED, "--harness", "gemini"]);
    expect([code, stdout.toString().split("\n")[0]]).toEqual([0, 'stripe/api-key: Denied by rule "payments" (line 3).']);
    expect(stderr).toContain("What follows will be so once an owner has signed it.");
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
    expect(await box.ok("profile", "list")).toContain("No profiles yet.");
    box.write(
      `${box.home}/.config/agent-vault/profiles.toml`,
      '[pay]\ndescription = "test the shop"\nsecrets = { KEY = "stripe/api-key" }\nenv = { URL = "https://vault://a/host/" }\nttl = "1h"\ncaveats = { branch = "main", uses = 2 }\n'.replace(
        "vault://a/host/",
        "{{ vault://a/host }}/",
      ),
    );
    expect(await box.ok("profile", "list")).toBe(
      "PROFILE  SECRETS                 DESCRIPTION\npay      stripe/api-key, a/host  test the shop\n",
    );
    expect(await box.ok("profile", "show", "pay")).toBe(
      [
        "pay: test the shop",
        "  KEY holds stripe/api-key",
        '  URL is "https://{{ vault://a/host }}/"',
        "  tokens last 1h",
        "  branch: main",
        "  uses: 2",
        "",
      ].join("\n"),
    );
    const missing = await box.cli(["profile", "show", "pya", "--json"]);
    expect([missing.code, JSON.parse(missing.stdout.toString())]).toMatchObject([3, { error: { code: "PROFILE_NOT_FOUND" } }]);
  });
});
