import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { armor } from "age-encryption";
import { beforeEach, describe, expect, it } from "vitest";
import { prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { resign } from "../support/signing.js";

let box: Sandbox;

const vault = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "sk" }, { bot: ["stripe"] });
});

beforeEach(async () => {
  box = await vault();
});

async function findings(): Promise<{ code: number | null; found: string[] }> {
  const outcome = await box.cli(["check", "--json"]);
  const { findings: all } = JSON.parse(outcome.stdout.toString()) as { findings: { severity: string; kind: string; subject: string }[] };
  return {
    code: outcome.code,
    found: all.map(({ severity, kind, subject }) => `${severity} ${kind} ${subject.replace(box.home, "HOME")}`),
  };
}

function edit(file: string, change: (text: string) => string): void {
  const path = join(box.vault, file);
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

describe("check", () => {
  it("has nothing to say of a vault that is in order", async () => {
    expect(await findings()).toEqual({ code: 0, found: [] });
  });

  it.each<[string, () => void | Promise<void>, number, string]>([
    [
      "a change that no owner signed, by the files that it is in",
      () => edit("agents/bot/public.key", (text) => `${text}\n`),
      5,
      "error tampered agents/bot/public.key",
    ],
    ["a manifest that is none", () => writeFileSync(join(box.vault, "manifest.yaml"), "a: ["), 5, "error damaged manifest.yaml"],
    ["a configuration that is none", () => writeFileSync(join(box.vault, "config.yaml"), "a: ["), 5, "error damaged config.yaml"],
    ["an agent's key that is none", () => writeFileSync(join(box.vault, "agents/bot/public.key"), "x"), 5, "error damaged bot"],
    [
      "the key of an owner whom the manifest does not name",
      () => void box.write(".agent-vault/owners/eve.pub", "age1x"),
      5,
      "warning stray owners/eve.pub",
    ],
    [
      "a lock that is not what was signed",
      () => edit("vault.lock", (text) => text.replace(/sequence: \d+/, "sequence: 99")),
      5,
      "error bad-signature vault.lock",
    ],
    [
      "an expired secret",
      async () => {
        await box.ok("set", "stripe/api-key", "--keep-value", "--expires", "1d");
        edit("secrets/stripe/api-key.meta", (text) => text.replace(/^expires: .*$/m, "expires: 2020-01-01T00:00:00Z"));
      },
      5,
      "error expired stripe/api-key",
    ],
    [
      "one that soon expires",
      () => box.ok("set", "stripe/api-key", "--keep-value", "--expires", "3d").then(() => {}),
      0,
      "warning expiring stripe/api-key",
    ],
    [
      "an overdue rotation",
      async () => {
        await box.ok("set", "stripe/api-key", "--keep-value", "--rotate-after", "30");
        edit("secrets/stripe/api-key.meta", (text) => text.replace(/^rotated: .*$/m, "rotated: 2020-01-01T00:00:00Z"));
      },
      5,
      "warning rotation-overdue stripe/api-key",
    ],
    ["an agent without access", () => box.ok("add-agent", "idle").then(() => {}), 0, "warning agent-without-access idle"],
    [
      "a secret that no group lists",
      () => edit("manifest.yaml", (text) => text.replace("  - stripe/api-key\n", "")),
      5,
      "warning secret-without-group stripe/api-key",
    ],
    [
      "a listed secret without a file",
      () => edit("manifest.yaml", (text) => text.replace("  - stripe/api-key\n", "  - stripe/api-key\n  - stripe/gone\n")),
      5,
      "error secret-without-file stripe/gone",
    ],
    [
      "a file for other recipients than the manifest says",
      () => edit("manifest.yaml", (text) => text.replace("  - stripe\n", "")),
      5,
      "error recipients-differ stripe/api-key",
    ],
    [
      "metadata that names other agents",
      () => edit("secrets/stripe/api-key.meta", (text) => text.replace("- bot\n", "- bot\n- other\n")),
      5,
      "warning metadata-differs stripe/api-key",
    ],
    [
      "an agent in a group that is not there",
      () => edit("manifest.yaml", (text) => text.replace("  - stripe\n", "  - stripe\n  - ghosts\n")),
      5,
      "warning unknown-group bot",
    ],
    ["a missing escrow", () => rmSync(join(box.vault, "agents/bot/private.key.escrow")), 5, "warning escrow-missing bot"],
    [
      "an escrow that is not for all owners",
      () => writeFileSync(join(box.vault, "agents/bot/private.key.escrow"), readFileSync(join(box.vault, "secrets/stripe/api-key.enc"))),
      5,
      "error escrow-recipients-differ bot",
    ],
    ["a missing public key", () => rmSync(join(box.vault, "agents/bot/public.key")), 5, "error agent-without-key bot"],
    [
      "keys of an agent that the manifest does not know",
      () => void box.write(".agent-vault/agents/ghost/public.key", "age1x"),
      5,
      "warning unknown-agent ghost",
    ],
    ["missing metadata", () => rmSync(join(box.vault, "secrets/stripe/api-key.meta")), 5, "warning secret-without-metadata stripe/api-key"],
    [
      "metadata without a value",
      () => void box.write(".agent-vault/secrets/stripe/old.meta", "name: stripe/old\n"),
      5,
      "warning metadata-without-secret stripe/old",
    ],
    ["a damaged value", () => writeFileSync(join(box.vault, "secrets/stripe/api-key.enc"), "damaged"), 5, "error damaged stripe/api-key"],
    [
      "metadata that is no YAML",
      () => writeFileSync(join(box.vault, "secrets/stripe/api-key.meta"), "a: [\n"),
      5,
      "error damaged stripe/api-key",
    ],
    ["an owner's key that is none", () => void box.write(".agent-vault/owner.pub", "age1x\n"), 5, "error damaged owners"],
    ["an owner's key that is gone", () => rmSync(join(box.vault, "owner.pub")), 5, "error damaged owners"],
    ["an agent's key that is none", () => void box.write(".agent-vault/agents/bot/public.key", "age1x\n"), 5, "error damaged bot"],
    [
      "a key file at home that points nowhere",
      () => symlinkSync("/nonexistent/key", box.agentKey("gone")),
      0,
      "warning link HOME/.agent-vault/agents/gone.key",
    ],
    [
      "a key file at home that points to itself",
      () => symlinkSync("loop.key", box.agentKey("loop")),
      0,
      "warning link HOME/.agent-vault/agents/loop.key",
    ],
    ["a stray file", () => void box.write(".agent-vault/notes.txt", "x"), 0, "warning stray notes.txt"],
    [
      "a name outside the grammar",
      () => void box.write(".agent-vault/secrets/stripe/a b.enc", "x"),
      0,
      "warning name secrets/stripe/a b.enc",
    ],
    [
      "a name outside the grammar in the manifest",
      () => edit("manifest.yaml", (text) => text.replace("  - stripe/api-key\n", "  - stripe/api-key\n  - ../x\n")),
      5,
      "error name manifest.yaml",
    ],
    ["a link", () => symlinkSync("/etc/hostname", join(box.vault, "secrets/stripe/link.enc")), 5, "error link secrets/stripe/link.enc"],
    [
      "a linked folder",
      () => {
        mkdirSync(join(box.root, "outside"));
        symlinkSync(join(box.root, "outside"), join(box.vault, "secrets/linked"));
      },
      5,
      "error link secrets/linked",
    ],
  ])("finds %s", async (_what, break_, code, finding) => {
    await break_();
    const result = await findings();
    expect(result.found).toContain(finding);
    expect(result.code).toBe(code);
  });

  it("names one finding for one broken public key, however many secrets there are", async () => {
    await box.set("stripe/other", "sk");
    box.write(".agent-vault/agents/bot/public.key", "age1x");
    resign(box);
    expect((await findings()).found).toEqual(["error damaged bot"]);
  });

  it("has doctor print a remedy with one full stop", async () => {
    chmodSync(box.ownerKey, 0o644);
    const { stdout } = await box.cli(["doctor"]);
    expect(stdout.toString()).toContain(`chmod 600 ${box.ownerKey}.\n`);
  });

  it.each<[string, () => void | Promise<void>]>([
    ["a secret that no group lists", () => edit("manifest.yaml", (text) => text.replace("  - stripe/api-key\n", ""))],
    ["a listed secret without a file", () => rmSync(join(box.vault, "secrets/stripe/api-key.enc"))],
    ["other recipients than there should be", () => edit("manifest.yaml", (text) => text.replace("  - stripe\n", ""))],
    ["missing metadata", () => rmSync(join(box.vault, "secrets/stripe/api-key.meta"))],
    ["metadata that names other agents", () => edit("secrets/stripe/api-key.meta", (text) => text.replace("- bot\n", "- other\n"))],
    ["an expired secret", () => edit("secrets/stripe/api-key.meta", (text) => `${text}expires: 2020-01-01T00:00:00Z\n`)],
    ["a missing escrow", () => rmSync(join(box.vault, "agents/bot/private.key.escrow"))],
    ["a missing public key", () => rmSync(join(box.vault, "agents/bot/public.key"))],
    ["a public key that is none", () => void box.write(".agent-vault/agents/bot/public.key", "age1x")],
    ["a key file at home that points nowhere", () => symlinkSync("/nonexistent/key", box.agentKey("gone"))],
    ["a key file open to others", () => chmodSync(box.ownerKey, 0o644)],
    ["a name outside the grammar", () => void box.write(".agent-vault/secrets/stripe/it's a b.enc", "x")],
    ["a damaged value", () => writeFileSync(join(box.vault, "secrets/stripe/api-key.enc"), "damaged")],
  ])("says what mends %s", async (_what, break_) => {
    await break_();
    resign(box);
    box.git("commit", "--quiet", "--all", "--allow-empty", "--message", "broken");
    const outcome = await box.cli(["check", "--json"]);
    const { findings: all } = JSON.parse(outcome.stdout.toString()) as { findings: { remedy: string; kind: string }[] };
    for (const { remedy, kind } of all) {
      expect(remedy).toMatch(/[^.]\.$/);
      if (kind === "agent-without-access") continue;
      const command = /\b(?:agent-vault|rm|chmod|git checkout) .*?(?=;|\.(?: |$))/.exec(remedy)![0].replace("COMMIT", "HEAD~1");
      const mended = command.startsWith("agent-vault ")
        ? await box.cli(command.split(" ").slice(1), { input: "value" })
        : await box.run("sh", ["-c", command]);
      expect([command, mended.stderr, mended.code]).toEqual([command, expect.anything(), 0]);
      if (!command.startsWith("agent-vault ")) resign(box);
    }
    expect((await findings()).found.filter((finding) => !finding.includes("agent-without-access"))).toEqual([]);
  });

  it("reads an armored file as what it is, as get and grant do, and what is written is binary", async () => {
    const file = join(box.vault, "secrets/stripe/api-key.enc");
    writeFileSync(file, armor.encode(readFileSync(file)));
    resign(box);
    box.git("commit", "--quiet", "--all", "--message", "armor");
    expect(await findings()).toEqual({ code: 0, found: [] });
    await box.addAgent("web", "stripe");
    expect(readFileSync(file, "latin1")).toMatch(/^age-encryption\.org\/v1\n/);
    expect(await findings()).toEqual({ code: 0, found: [] });
    expect(await box.ok("get", "stripe/api-key", "--key", box.agentKey("web"))).toBe("sk");
  });

  it("does not read a file to its end that is larger than any can be", async () => {
    truncateSync(join(box.vault, "secrets/stripe/api-key.enc"), 5 * 2 ** 30);
    expect((await findings()).found).toEqual(["error tampered secrets/stripe/api-key.enc"]);
  });

  it("takes warnings for errors on --strict", async () => {
    await box.addAgent("idle");
    expect((await box.cli(["check"])).code).toBe(0);
    expect((await box.cli(["check", "--strict"])).code).toBe(5);
  });

  it("needs no key", async () => {
    const outcome = await box.cli(["check"], { env: { HOME: join(box.root, "nobody") } });
    expect(outcome.code).toBe(0);
  });
});
