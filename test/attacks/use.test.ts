import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { CLI, errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { lacks } from "../support/programs.js";
import { ANY_USE } from "../support/policy.js";
import { makeVault } from "../support/vault.js";

const KEY = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";

const vault = prepared(
  async (box) => {
    await makeVault(box, { "stripe/api-key": KEY, "prod/key": { value: "prod-value-that-is-long", environment: "production" } });
  },
  { audit: true },
);

type Entry = Record<string, unknown>;

async function last(box: Sandbox): Promise<Entry> {
  return (JSON.parse(await box.ok("audit", "--json", "--last", "1")) as Entry[])[0]!;
}

describe("a command that is run in another folder", () => {
  it("is on record there, and is not what was approved here", async () => {
    const box = await vault();
    const elsewhere = join(box.root, "elsewhere");
    mkdirSync(elsewhere);
    for (const folder of [elsewhere, box.repository]) writeFileSync(join(folder, "deploy.sh"), "#!/bin/sh\npwd\n", { mode: 0o755 });
    const { id } = JSON.parse(await box.ok("session", "start", "--json")) as { id: string };
    const run = (env: Record<string, string>, ...flags: string[]) =>
      box.cli(["run", "--secret", "prod/key", ...flags, "--", "./deploy.sh"], { env: { AGENT_VAULT_SESSION: id, ...env } });
    expect((await run({ AGENT_VAULT_APPROVE: "session" })).code).toBe(0);
    expect((await run({})).code).toBe(0);
    expect(errorCode(await run({}, "--cwd", elsewhere))).toBe("APPROVAL_UNAVAILABLE");
    expect(await last(box)).toMatchObject({ outcome: "denied", folder: elsewhere });
    expect((await run({ AGENT_VAULT_APPROVE: "once" }, "--cwd", elsewhere)).stdout.toString()).toBe(`${elsewhere}\n`);
    expect(await last(box)).toMatchObject({ outcome: "done", folder: elsewhere });
  });
});

describe("a command that is run with a token", () => {
  it("gets neither the token nor the key's authority from agent-vault", async () => {
    const box = await vault();
    const token = (await box.ok("token", "mint", "--secret", "stripe/*")).trim();
    const run = ["run", "--secret", "stripe/api-key", "--", process.execPath, CLI, "get", "prod/key"];
    const outcomes = [
      await box.cli(run, { env: { AGENT_VAULT_TOKEN: token } }),
      await box.cli(["run", "--token", token, "--clean-env", ...run.slice(1)]),
    ];
    for (const outcome of outcomes) expect([errorCode(outcome), outcome.stdout.toString()]).toEqual(["TOKEN_INVALID", ""]);
    expect((await box.cli(run)).stdout.toString()).toBe("prod-value-that-is-long");
  });
});

describe("a command that asks for a second use", () => {
  const second = `'${process.execPath}' '${CLI}' run --secret prod/key -- printenv PROD_KEY`;

  it("answers its question neither by a variable nor on a terminal of its own", async () => {
    const box = await vault();
    const attacks = [
      `AGENT_VAULT_APPROVE=once ${second}`,
      ...(lacks("script") ? [] : [`yes once | head -n 20000 | script -qec "${second}" /dev/null`]),
    ];
    for (const attack of attacks) {
      const outcome = await box.cli(["run", "--secret", "stripe/api-key", "--", "sh", "-c", attack]);
      const said = outcome.stdout.toString() + outcome.stderr;
      expect([attack, said]).toEqual([attack, expect.stringContaining("APPROVAL_UNAVAILABLE")]);
      expect(said).not.toContain("Type once");
      expect(said).not.toContain("prod-value");
    }
    // The same from a person's own hand.
    const own = await box.cli(["run", "--secret", "prod/key", "--", "true"], { env: { AGENT_VAULT_APPROVE: "once" } });
    expect(own.code).toBe(0);
  });
});

describe("a coding agent that has the environment cleaned", () => {
  it("is still seen by what it runs", async () => {
    const box = await vault();
    const get = ["--", process.execPath, CLI, "get", "stripe/api-key"];
    expect(errorCode(await box.cli(["run", "--clean-env", "--secret", "stripe/api-key", ...get], { env: { CLAUDECODE: "1" } }))).toBe(
      "HARNESS_DENIED",
    );
  });
});

describe("a value that was typed into a command that does not start", () => {
  it("shows nowhere in the record", async () => {
    const box = await vault();
    expect((await box.cli(["run", "--secret", "stripe/api-key", "--", KEY, "x"])).code).toBe(127);
    expect((await box.cli(["run", "--secret", "stripe/api-key", "--", `./${KEY}`, "x"])).code).toBe(127);
    const rows = await box.ok("audit", "--json", "--last", "2");
    expect(rows).toContain("There is no program [REDACTED:stripe/api-key].");
    expect(rows).not.toContain(KEY);
  });
});

describe("a file of variables out of a repository", () => {
  it("has no compiler, build tool or interpreter run something else", async () => {
    const box = await vault();
    for (const name of ["GOFLAGS", "RUSTC", "CARGO_BUILD_RUSTC_WRAPPER", "MAVEN_OPTS", "R_PROFILE_USER", "java_opts"]) {
      box.write("app.env", `KEY=vault://stripe/api-key\n${name}=-toolexec=./evil\n`);
      expect([name, errorCode(await box.cli(["run", "--env-file", "app.env", "--", "true"]))]).toEqual([name, "INVALID_VARIABLE"]);
    }
  });
});

describe("the repository's own configuration", () => {
  it("gives the record no password and no escape sequence, and takes no longer for being hostile", async () => {
    const box = await vault();
    const config = readFileSync(join(box.repository, ".git/config"), "utf8");
    const run = async (text: string) => {
      writeFileSync(join(box.repository, ".git/config"), text);
      await box.ok("run", "--no-pull", "--secret", "stripe/api-key", "--", "true");
      return (await last(box))["repository"];
    };
    const remote = (url: string) => `${config}[remote "origin"]\n\turl = ${url}\n`;
    expect(await run(remote("https://eric:p@ss@[::1]:8443/acme/shop.git"))).toBe("https://[::1]:8443/acme/shop.git");
    expect(await run(remote('"https://eric:pass@github.com/acme/shop"'))).toBe("https://github.com/acme/shop");
    const start = performance.now();
    expect(await run(`${remote("git@github.com:acme/shop")}${" \n".repeat(400_000)}url = x${" ".repeat(400_000)}y\n`)).toBe(
      "git@github.com:acme/shop",
    );
    expect(performance.now() - start).toBeLessThan(20_000);
    await run(remote("https://h/\u001b[2J\u009b"));
    const csv = await box.ok("audit", "--csv", "--last", "1");
    expect(csv).toContain("https://h/\\u001b[2J\\u009b,");
  });
});

describe("a policy that no owner signed", () => {
  it.each([
    ["get", "stripe/api-key"],
    ["run", "--secret", "stripe/api-key", "--", "true"],
    ["peek", "stripe/api-key"],
    ["lease", "stripe/api-key"],
    ["token", "mint", "--secret", "stripe/api-key"],
    ["session", "start"],
  ])("stops %s", async (...words) => {
    const box = await vault();
    writeFileSync(join(box.vault, "policy.yaml"), ANY_USE);
    const refused = await box.cli(words);
    expect([errorCode(refused), refused.stdout.toString()]).toEqual(["TAMPERED", ""]);
    await box.ok("revoke-all", "--yes");
  });
});

describe("a commit from before the policy", () => {
  it("is not what a use is judged by", async () => {
    const box = await vault();
    box.git("branch", "before");
    writeFileSync(join(box.vault, "policy.yaml"), "version: 1\nrules:\n  - secrets: stripe/*\n    allow:\n      commands: deploy\n");
    await box.sign();
    const old = join(box.root, "old");
    box.git("worktree", "add", "--quiet", old, "before");
    const token = (await box.ok("token", "mint", "--secret", "stripe/*")).trim();
    const inOld = (env: Record<string, string>, ...words: string[]) => box.cli(["-C", old, ...words], { env });
    const run = ["run", "--secret", "stripe/api-key", "--", "true"];
    expect(errorCode(await box.cli(run))).toBe("POLICY_DENIED");
    expect(errorCode(await inOld({}, ...run))).toBe("ROLLBACK");
    expect(await last(box)).toMatchObject({ action: "run", secrets: ["stripe/api-key"], reason: expect.stringContaining("ROLLBACK") });
    box.write("template", "{{ vault://stripe/api-key }}");
    expect(errorCode(await inOld({}, "inject", join(box.repository, "template")))).toBe("ROLLBACK");
    const environments: Record<string, string>[] = [{}, { AGENT_VAULT_TOKEN: token }, { CLAUDECODE: "1" }];
    for (const env of environments) {
      const outcome = await inOld(env, "get", "stripe/api-key");
      expect([errorCode(outcome), outcome.stdout.toString()]).toEqual(["ROLLBACK", ""]);
    }
  });
});

describe("a session that lasts longer than the policy allows", () => {
  it("keeps no answer", async () => {
    const box = await vault();
    writeFileSync(
      join(box.vault, "policy.yaml"),
      "version: 1\nrules:\n  - secrets: prod/*\n    allow: all\n    approval: session\n    max_ttl: 15m\n",
    );
    await box.sign();
    const answers = async (ttl: string) => {
      const { id } = JSON.parse(await box.ok("session", "start", "--json", "--ttl", ttl)) as { id: string };
      const run = (env: Record<string, string>) =>
        box.cli(["run", "--secret", "prod/key", "--", "true"], { env: { AGENT_VAULT_SESSION: id, ...env } });
      return [errorCode(await run({ AGENT_VAULT_APPROVE: "session" })), errorCode(await run({}))];
    };
    expect(await answers("15m")).toEqual([undefined, undefined]);
    expect(await answers("16m")).toEqual([undefined, "APPROVAL_UNAVAILABLE"]);
  });
});
