import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { CLI, errorCode, Sandbox } from "../support/sandbox.js";

const FIXTURE = join(import.meta.dirname, "../../fixtures/vault-0.1");
const VALUES = {
  "stripe/api-key": ["demo_stripe_4eC39HqLyjWDarjtT1zdp7dc", ["owner", "billing-agent", "seo-crawler"]],
  "stripe/webhook-secret": ["demo_hook_été_5f8a", ["owner", "billing-agent", "seo-crawler", "idle-agent"]],
  "postgres/prod/connection-string": ["postgres://app:p%40ss@db.internal:5432/app\n# two lines\n", ["owner", "billing-agent"]],
  "my-secret": ["hunter2", ["owner"]],
} as const;
const EVERYBODY = ["owner", "billing-agent", "seo-crawler", "idle-agent"] as const;

/** The fixture in a repository of its own, as its README says. */
function oldVault(options: { committed: boolean }): Sandbox {
  const box = new Sandbox();
  cpSync(join(FIXTURE, "repo"), box.repository, { recursive: true });
  cpSync(join(FIXTURE, "home"), join(box.home, ".agent-vault"), { recursive: true });
  // As agent-vault 0.1 does: past the ignore rules, which match the agents' public keys.
  if (options.committed) {
    box.git("add", "--force", ".agent-vault");
    box.git("commit", "--quiet", "--message", "vault of 0.1");
  }
  return box;
}

/** The same, once its owner has vouched for it. */
async function adoptedVault(options: { committed: boolean }): Promise<Sandbox> {
  const box = oldVault(options);
  await box.sign();
  return box;
}

function keyOf(box: Sandbox, who: string): string {
  return who === "owner" ? box.ownerKey : box.agentKey(who);
}

async function expectAccess(box: Sandbox, values: Readonly<Record<string, readonly [string, readonly string[]]>>): Promise<void> {
  for (const [secret, [value, readers]] of Object.entries(values)) {
    for (const who of EVERYBODY) {
      const outcome = await box.cli(["get", secret, "--key", keyOf(box, who)]);
      if (readers.includes(who)) expect(outcome.stdout.toString(), `${who} reads ${secret}`).toBe(value);
      else expect(outcome.code, `${who} does not read ${secret}`).toBe(4);
    }
  }
}

describe("a vault made by agent-vault 0.1", () => {
  it("is refused to its owner before it is signed, and read by its agents with a warning", async () => {
    const box = oldVault({ committed: true });
    const head = box.git("rev-parse", "HEAD");
    for (const words of [["get", "my-secret"], ["list"], ["set", "my-secret"], ["grant", "seo-crawler", "postgres"]]) {
      const outcome = await box.cli(words, { input: "new" });
      expect([errorCode(outcome), outcome.code, outcome.stdout.length], words[0]).toEqual(["UNSIGNED", 5, 0]);
    }
    const read = await box.cli(["get", "stripe/webhook-secret", "--key", box.agentKey("idle-agent")]);
    expect(read.stdout.toString()).toBe(VALUES["stripe/webhook-secret"][0]);
    expect(read.stderr).toMatch(/^warning: .*agent-vault sign/m);
    expect(box.git("rev-parse", "HEAD")).toBe(head);
  });

  it("is read with every key, and no more than each may", async () => {
    await expectAccess(await adoptedVault({ committed: true }), VALUES);
  });

  it("is listed with its extra agents and its expiry", async () => {
    const box = await adoptedVault({ committed: true });
    const list = JSON.parse(await box.ok("list", "--json")) as { name: string; agents: string[]; expires?: string }[];
    expect(list.map(({ name, agents }) => [name, ["owner", ...agents]])).toEqual(
      ["my-secret", "postgres/prod/connection-string", "stripe/api-key", "stripe/webhook-secret"].map((name) => [
        name,
        [...VALUES[name as keyof typeof VALUES][1]],
      ]),
    );
    const { findings } = JSON.parse((await box.cli(["check", "--json"])).stdout.toString()) as {
      findings: { kind: string; subject: string }[];
    };
    expect(findings.map(({ kind, subject }) => `${kind} ${subject}`)).toContain("expired stripe/api-key");
    expect(findings.filter(({ kind }) => kind === "recipients-differ" || kind === "stray")).toEqual([]);
  });

  it.each([{ committed: true }, { committed: false }])("is changed, and stays in its layout (%j)", async (options) => {
    const box = await adoptedVault(options);
    await box.grant("seo-crawler", "postgres");
    await box.ok("revoke", "billing-agent", "stripe");
    await box.set("stripe/new", "added");
    await expectAccess(box, {
      "stripe/api-key": [VALUES["stripe/api-key"][0], ["owner", "seo-crawler"]],
      "stripe/webhook-secret": [VALUES["stripe/webhook-secret"][0], ["owner", "seo-crawler", "idle-agent"]],
      "postgres/prod/connection-string": [VALUES["postgres/prod/connection-string"][0], ["owner", "billing-agent", "seo-crawler"]],
      "my-secret": VALUES["my-secret"],
      "stripe/new": ["added", ["owner", "seo-crawler"]],
    });
    expect(box.git("status", "--porcelain", "--ignored")).toBe("");
    const tracked = box.git("ls-files", ".agent-vault").trim().split("\n");
    const before = execFileSync("find", [".agent-vault", "-type", "f"], { cwd: join(FIXTURE, "repo"), encoding: "utf8" })
      .trim()
      .split("\n");
    const added = tracked.filter((file) => !before.includes(file)).map((file) => file.replace(/^\.agent-vault\//, ""));
    expect(before.filter((file) => !tracked.includes(file))).toEqual([]);
    expect(added.map((file) => file.replace(/[0-9a-f]{64}/, "DIGEST")).toSorted()).toEqual([
      ".gitattributes",
      "secrets/stripe/new.enc",
      "secrets/stripe/new.meta",
      "signers/DIGEST.lock",
      "signers/DIGEST.sig",
      "vault.lock",
      "vault.lock.sig",
      "vault.states",
    ]);

    const manifest = parse(readFileSync(join(box.vault, "manifest.yaml"), "utf8")) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      version: 1,
      owners: [{ name: "eric", public_key: "owner.pub" }],
      agents: [
        { name: "billing-agent", groups: ["postgres"] },
        { name: "seo-crawler", groups: ["stripe", "postgres"] },
        { name: "idle-agent", groups: [] },
      ],
      extra_agents: { "stripe/webhook-secret": ["idle-agent"] },
    });
    const metadata = parse(readFileSync(join(box.vault, "secrets/stripe/new.meta"), "utf8")) as Record<string, unknown>;
    for (const field of ["name", "group", "created", "rotated"]) expect(metadata[field]).toBeTypeOf("string");
    expect(metadata["authorized_agents"]).toEqual(["seo-crawler"]);
  });

  it("keeps every byte of a metadata file but the list of agents", async () => {
    const box = await adoptedVault({ committed: true });
    const file = "secrets/postgres/prod/connection-string.meta";
    const before = readFileSync(join(FIXTURE, "repo/.agent-vault", file), "utf8");
    await box.grant("seo-crawler", "postgres");
    expect(readFileSync(join(box.vault, file), "utf8")).toBe(`${before}- seo-crawler\n`);
  });

  it("has its agents restored and recovered from the escrow of 0.1", async () => {
    const box = await adoptedVault({ committed: true });
    await box.ok("restore-agent", "idle-agent", "--to", "restored.key");
    const restored = await box.cli(["get", "stripe/webhook-secret", "--key", "restored.key"]);
    expect(restored.stdout.toString()).toBe(VALUES["stripe/webhook-secret"][0]);
    await box.ok("recover-agent", "idle-agent", "--out", "recovered.key");
    expect((await box.cli(["get", "stripe/webhook-secret", "--key", "restored.key"])).code).toBe(4);
    expect((await box.cli(["get", "stripe/webhook-secret", "--key", "recovered.key"])).stdout.toString()).toBe(
      VALUES["stripe/webhook-secret"][0],
    );
  });

  it("is printed as JSON with the fields that scripts of 0.1 read", async () => {
    const box = await adoptedVault({ committed: true });
    const agents = JSON.parse(await box.ok("list-agents", "--json")) as { name: string; groups: string[] }[];
    expect(agents.map(({ name, groups }) => [name, groups])).toEqual([
      ["billing-agent", ["stripe", "postgres"]],
      ["seo-crawler", ["stripe"]],
      ["idle-agent", []],
    ]);
    const outcome = await box.cli(["check", "--json"]);
    const { errors, warnings, findings } = JSON.parse(outcome.stdout.toString()) as Record<"errors" | "warnings", string[]> & {
      findings: { severity: string; message: string }[];
    };
    expect(errors.join()).toContain("stripe/api-key");
    expect([...errors, ...warnings].toSorted()).toEqual(findings.map(({ message }) => message).toSorted());
  });

  it("is read by the job of 0.1's documentation under CI=true, with one line more, and not without it", async () => {
    const box = await adoptedVault({ committed: true });
    const [owner] = (await box.ok("owner", "keys")).trim().split("\n").slice(-1);
    const environment = join(box.root, "github_env");
    const job = `DB_URL=$(agent-vault get postgres/prod/connection-string) || exit
      echo "::add-mask::$DB_URL"
      echo "DB_URL<<END" >> "$GITHUB_ENV"; echo "$DB_URL" >> "$GITHUB_ENV"; echo END >> "$GITHUB_ENV"`;
    box.write(join(box.root, "bin/agent-vault"), `#!/bin/sh\nexec ${process.execPath} ${CLI} "$@"\n`);
    chmodSync(join(box.root, "bin/agent-vault"), 0o755);
    const run = (more: Record<string, string>) =>
      box.run("sh", ["-c", job], {
        env: {
          PATH: `${join(box.root, "bin")}:${box.env["PATH"]}`,
          HOME: join(box.root, "runner"),
          CI: "true",
          GITHUB_ENV: environment,
          AGENT_VAULT_KEY: readFileSync(box.agentKey("billing-agent"), "utf8"),
          ...more,
        },
      });
    expect(errorCode(await run({}))).toBe("UNTRUSTED_SIGNER");
    expect(await run({ AGENT_VAULT_OWNER: owner! })).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(environment, "utf8")).toContain("postgres://app:p%40ss@db.internal:5432/app");
  });
});
