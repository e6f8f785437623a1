import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { encrypt, generateIdentity, grant, revoke, set, VaultState, verify, type Context, type VerifyOptions } from "#vault/index.js";
import { parseLock } from "#vault/lock/lock.js";
import { SigningKey } from "#vault/keys/signing-key.js";
import { errorCode, Sandbox } from "../support/sandbox.js";
import { resign } from "../support/signing.js";
import { makeVault } from "../support/vault.js";
import { readIdentity } from "../support/identity.js";

/** In two parts, so that it is no key to the check of this repository. */
const KEY = ["AGE-SECRET-KEY", "1QQPQYZLQ0F5A5J4N0WZC3HN8T5M3S7W6XJ9R2K4D8E7V6U5Y4L3S2A9Q0P"].join("-");

let box: Sandbox;

beforeEach(async () => {
  box = new Sandbox();
  await makeVault(box, { "stripe/api-key": "sk" }, { bot: ["stripe"] });
});

/** A machine that knows nothing: no key, nothing remembered. */
function stranger(env: Readonly<Record<string, string>> = {}): Context {
  return box.context({ home: join(box.root, "stranger"), env: { ...box.env, ...env } });
}

async function found(context: Context = box.context(), options: VerifyOptions = {}, vault = box.vault): Promise<string[]> {
  const { findings } = await verify(context, vault, options);
  return findings.map(({ severity, kind, subject }) => `${severity} ${kind} ${subject}`);
}

function edit(file: string, change: (text: string) => string): void {
  const path = join(box.vault, file);
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

function lock() {
  return parseLock(readFileSync(join(box.vault, "vault.lock")));
}

function commit(message = "outside"): string {
  box.git("add", "--all");
  box.git("commit", "--quiet", "--message", message);
  return head();
}

function head(): string {
  return box.git("rev-parse", "HEAD").trim();
}

/** Everything that a run could have left behind, by name and content. */
function everything(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => `${file} ${readFileSync(file, "base64")}`)
    .toSorted();
}

describe("verify", () => {
  it("has nothing to say of a vault that is in order, and leaves no trace", async () => {
    const before = everything(box.root);
    expect(await found()).toEqual([]);
    const { code, stdout, stderr } = await box.cli(["verify"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.toString()).toMatch(/^.*\b4\b.*\(SHA256:.*\n.*\n$/);
    await verify(stranger(), box.vault);
    expect(everything(box.root)).toEqual(before);
  });

  describe("the signature", () => {
    it.each<[string, () => void, string]>([
      ["none at all", () => ["", ".sig"].forEach((end) => rmSync(join(box.vault, `vault.lock${end}`))), "error unsigned vault.lock"],
      ["a lock alone", () => rmSync(join(box.vault, "vault.lock.sig")), "error bad-signature vault.lock"],
      ["of other bytes", () => edit("vault.lock", (text) => text.replace("sequence: 4", "sequence: 5")), "error bad-signature vault.lock"],
      ["of no lock", () => writeFileSync(join(box.vault, "vault.lock"), "version: 1\n"), "error bad-signature vault.lock"],
    ])("%s", async (_what, change, finding) => {
      change();
      expect(await found()).toContain(finding);
      expect(await found(stranger())).toContain(finding);
    });

    it("none, in a vault that never had one, is a warning; an error where its age is asked for", async () => {
      rmSync(join(box.repository, ".git"), { recursive: true });
      for (const end of ["", ".sig"]) rmSync(join(box.vault, `vault.lock${end}`));
      box.git("init", "--quiet");
      commit();
      expect(await found(stranger())).toEqual(["warning unsigned vault.lock"]);
      expect(await found(stranger(), { minSequence: 1 })).toContain("error unsigned vault.lock");
    });
  });

  describe("the signer", () => {
    it("is taken on their word, by fingerprint, where nothing is known", async () => {
      const { findings, ok } = await verify(stranger(), box.vault);
      const { fingerprint } = (await verify(box.context(), box.vault)).state!;
      expect(findings).toMatchObject([{ severity: "warning", kind: "signer-unknown" }]);
      expect(findings[0]!.message).toContain(fingerprint);
      expect(ok).toBe(true);
      expect(existsSync(join(box.root, "stranger"))).toBe(false);
    });

    it("is known by AGENT_VAULT_OWNER", async () => {
      expect(await found(stranger({ AGENT_VAULT_OWNER: lock().owners[0]!.key }))).toEqual([]);
    });

    it("is refused where an anchor does not vouch for it, whichever owners it names", async () => {
      const owner = lock().owners[0]!.key;
      const attacker = await generateIdentity("x25519");
      resign(box, (_, { publicKey }) => ({ owners: [{ name: "owner", key: publicKey }] }), attacker);
      commit();
      expect(await found()).toEqual(["error untrusted-signer vault.lock"]);
      expect(await found(stranger({ AGENT_VAULT_OWNER: owner }))).toEqual(["error untrusted-signer vault.lock"]);
      expect(await found(box.context({ env: { ...box.env, AGENT_VAULT_KEY: box.agentKey("bot") } }))).toEqual([
        "error untrusted-signer vault.lock",
      ]);
    });

    it("is one of the owners, or one of those of the state before", async () => {
      const heir = new SigningKey(await generateIdentity("x25519"), lock().vault).publicKey;
      resign(box, () => ({ owners: [{ name: "heir", key: heir }] }));
      commit();
      expect(await found(stranger())).toEqual(["warning signer-unknown vault.lock"]);
      resign(box, () => ({ owners: [{ name: "heir", key: heir }] }));
      commit();
      expect(await found(stranger())).toContain("error untrusted-signer vault.lock");
    });

    it("that hands over cannot be told in a clone without the state before", async () => {
      const key = new SigningKey(await generateIdentity("x25519"), lock().vault).publicKey;
      resign(box, () => ({ owners: [{ name: "heir", key }] }));
      commit();
      const owner = new SigningKey(readIdentity(box.ownerKey), lock().vault).publicKey;
      expect(await found(stranger({ AGENT_VAULT_OWNER: owner }), {}, shallow())).toEqual(["warning signer-unknown vault.lock"]);
    });
  });

  it("finds another vault's configuration, and another vault's key", async () => {
    edit("config.yaml", (text) => text.replace(/^id: .*/m, "id: 00000000-0000-4000-8000-000000000000"));
    resign(box);
    expect(await found()).toEqual(["error wrong-vault config.yaml"]);
    edit("config.yaml", (text) => text.replace(/^id: .*/m, `id: ${lock().vault}`));
    resign(box);
    const key = box.write("other.key", readFileSync(box.agentKey("bot"), "utf8").replace(/^# vault: .*/m, "# vault: another-vault"));
    expect(await found(box.context({ env: { ...box.env, AGENT_VAULT_KEY: key } }))).toEqual(["error wrong-vault vault.lock"]);
  });

  describe("the files", () => {
    const secret = "secrets/stripe/api-key.enc";

    it("that are not what was signed are named one by one, in a work tree and in a commit", async () => {
      await set(box.context(), { vault: box.vault, path: "stripe/other", value: Buffer.from("x") });
      renameSync(join(box.vault, "secrets/stripe/other.enc"), join(box.vault, "secrets/stripe/new.enc"));
      appendFileSync(join(box.vault, "manifest.yaml"), "# by another hand\n");
      appendFileSync(join(box.vault, "agents/bot/public.key"), "\n");
      const tampered = [
        "error tampered manifest.yaml",
        "error tampered agents/bot/public.key",
        "error tampered secrets/stripe/new.enc",
        "error tampered secrets/stripe/other.enc",
      ];
      const only = (findings: string[]) => findings.filter((finding) => finding.includes("tampered")).toSorted();
      expect(only(await found())).toEqual(tampered.toSorted());
      expect(await found(box.context(), { at: "HEAD" })).toEqual([]);
      commit();
      expect(only(await found(stranger(), { at: "HEAD" }))).toEqual(tampered.toSorted());
    });

    it("are named by their folder where the clone does not go back far enough", async () => {
      appendFileSync(join(box.vault, "agents/bot/public.key"), "\n");
      commit();
      const clone = shallow();
      expect(await found(stranger(), {}, clone)).toContain("error tampered agents/");
      box.gitIn(clone, "fetch", "--quiet", "--unshallow");
      expect(await found(stranger(), {}, clone)).toContain("error tampered agents/bot/public.key");
    });

    it("are named in the errors of other commands too", async () => {
      appendFileSync(join(box.vault, secret), "x");
      for (const words of [["list"], ["get", "stripe/api-key"], ["set", "a/b", "--generate"]]) {
        const outcome = await box.cli(words);
        expect(errorCode(outcome), words[0]).toBe("TAMPERED");
        expect(outcome.stderr, words[0]).toContain(secret);
      }
    });

    it("are for whom the manifest says", async () => {
      const owner = new VaultState(box.vault).owners[0]!.recipient;
      const eve = new VaultState(box.vault).agentRecipient("bot");
      writeFileSync(join(box.vault, secret), await encrypt(Buffer.from("x"), [owner, eve, eve]));
      writeFileSync(join(box.vault, "agents/bot/private.key.escrow"), await encrypt(Buffer.from("x"), [owner, eve]));
      resign(box);
      expect(await found()).toEqual(["error recipients-differ stripe/api-key", "error escrow-recipients-differ bot"]);
      const { stdout, ...outcome } = await box.cli(["verify", "--json"]);
      expect(errorCode({ stdout, ...outcome })).toBe("UNEXPECTED_RECIPIENT");
      expect(outcome.code).toBe(5);
      expect(JSON.parse(stdout.toString()).findings[0].code).toBe("UNEXPECTED_RECIPIENT");
    });

    it("have names by the grammar, and are no links", async () => {
      box.write(".agent-vault/secrets/stripe/a b.enc", "x");
      box.write(".agent-vault/notes.txt", "x");
      symlinkSync("/etc/hostname", join(box.vault, "agents/link"));
      const findings = ["error link agents/link", "warning stray notes.txt", "warning name secrets/stripe/a b.enc"];
      expect(await found()).toEqual(findings);
      commit();
      expect(await found(box.context(), { at: "HEAD" })).toEqual(findings);
    });

    it("hold no private key, wherever it lies", async () => {
      box.write(".agent-vault/notes.txt", `a\n${KEY}\n`);
      const { stdout, code } = await box.cli(["verify", "--json"]);
      const { findings } = JSON.parse(stdout.toString()) as { findings: object[] };
      expect(findings).toContainEqual(
        expect.objectContaining({ kind: "key-material", severity: "error", code: "KEY_MATERIAL", file: "notes.txt", line: 2 }),
      );
      expect(stdout.toString()).not.toContain(KEY);
      expect(code).toBe(5);
    });

    it("say what has expired", async () => {
      edit("secrets/stripe/api-key.meta", (text) => `${text}expires: 2020-01-01T00:00:00Z\n`);
      resign(box);
      expect(await found()).toEqual(["error expired stripe/api-key"]);
    });
  });

  describe("the time", () => {
    it("at which a state goes stale is a warning, and an error in CI and on --strict", async () => {
      resign(box, () => ({ validUntil: new Date("2026-01-01T00:00:00Z") }));
      const context = (env = {}) => box.context({ env: { ...box.env, ...env }, now: () => new Date("2026-02-01T00:00:00Z") });
      expect(await found(context())).toEqual(["warning expired-state vault.lock"]);
      expect(await found(context({ CI: "true" }))).toEqual(["error expired-state vault.lock"]);
      expect(await found(context(), { strict: true })).toEqual(["error expired-state vault.lock"]);
      expect(await found(box.context({ now: () => new Date("2025-12-31T23:59:59Z") }))).toEqual([]);
    });

    it("since it was signed may be limited", async () => {
      resign(box, () => ({ signedAt: new Date("2026-01-01T00:00:00Z") }));
      const day = 86_400_000;
      const on = (date: string) => found(box.context({ now: () => new Date(date) }), { maxAgeMs: 30 * day });
      expect(await on("2026-01-31T00:00:00Z")).toEqual([]);
      expect(await on("2026-01-31T00:00:01Z")).toEqual(["error expired-state vault.lock"]);
      expect(errorCode(await box.cli(["verify", "--max-age", "30d"]))).toBe("EXPIRED_STATE");
      expect((await box.cli(["verify", "--max-age", "soon"])).code).toBe(2);
    });
  });

  describe("the sequence", () => {
    it("may be demanded", async () => {
      expect(await found(stranger({ AGENT_VAULT_OWNER: lock().owners[0]!.key }), { minSequence: 4 })).toEqual([]);
      expect(await found(box.context(), { minSequence: 5 })).toEqual(["error rollback vault.lock"]);
      expect(errorCode(await box.cli(["verify", "--min-sequence", "5"]))).toBe("ROLLBACK");
    });

    it("of an older commit finds nothing, and of a branch that is behind its remote a warning", async () => {
      box.addRemote();
      const old = head();
      await revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
      expect(await found(box.context(), { at: old })).toEqual([]);
      await box.ok("sync");
      box.git("reset", "--quiet", "--hard", old);
      expect(await found()).toEqual(["warning rollback vault.lock"]);
      expect(await found(box.context(), { at: "HEAD" })).toEqual(["warning rollback vault.lock"]);
      expect(await found(box.context(), { at: "HEAD~1" })).not.toContainEqual(expect.stringContaining("rollback"));
    });

    it("of a commit that took the newest state back is an error", async () => {
      box.addRemote();
      await revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
      await box.ok("sync");
      box.git("revert", "--no-edit", "HEAD");
      expect(await found()).toEqual(["error rollback vault.lock"]);
    });
  });

  it("works on a shallow clone, by a stranger, at any commit that it holds", async () => {
    const env = { HOME: join(box.root, "nobody"), AGENT_VAULT_OWNER: lock().owners[0]!.key };
    const clone = shallow();
    for (const words of [["verify"], ["verify", "--at", "HEAD"]]) {
      const { code, stdout, stderr } = await box.cli([...words, "--strict", "--json"], { cwd: clone, env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(JSON.parse(stdout.toString())).toMatchObject({ ok: true, findings: [] });
    }
    expect((await box.cli(["verify", "--at", "HEAD~1"], { cwd: clone, env })).code).toBe(2);
    expect((await box.cli(["verify", "--at", "--upload-pack=touch x"], { cwd: clone, env })).code).toBe(2);
  });

  it("takes warnings for errors on --strict", async () => {
    box.write(".agent-vault/notes.txt", "x");
    expect((await box.cli(["verify"])).code).toBe(0);
    const strict = await box.cli(["verify", "--strict"]);
    expect(strict.code).toBe(5);
    expect(strict.stdout.toString()).toMatch(/^error +notes\.txt /m);
  });
});

/** A clone of the last commit alone. @returns its vault */
function shallow(): string {
  const clone = join(box.root, "shallow");
  box.gitIn(box.root, "clone", "--quiet", "--depth", "1", `file://${box.repository}`, clone);
  return join(clone, ".agent-vault");
}

describe("verify --against", () => {
  it("tells who gains and loses what, in words and as JSON", async () => {
    const before = head();
    await set(box.context(), { vault: box.vault, path: "db/url", value: Buffer.from("x") });
    await grant(box.context(), { vault: box.vault, agent: "bot", target: "db" });
    await revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
    const text = await box.ok("verify", "--against", before);
    expect(text).toContain(`Compared with ${before} (${before.slice(0, 12)}):\n`);
    expect(text).toMatch(/^ {2}Gives more access, or protects less:\n(?: {4}.*\n)*? {4}agent bot gains access to 1 secret: db\/url$/m);
    expect(text).toMatch(/^ {2}Other changes:\n(?: {4}.*\n)*? {4}agent bot loses access to 1 secret: stripe\/api-key$/m);
    const { against } = JSON.parse(await box.ok("verify", "--against", before, "--json"));
    expect(against).toMatchObject({
      commit: before,
      before: "signed",
      difference: {
        access: [{ agent: "bot", gains: ["db/url"], loses: ["stripe/api-key"] }],
        secrets: { added: ["db/url"], changed: ["stripe/api-key"], removed: [] },
      },
    });
    // What agent-vault itself has done needs no lines beside the words.
    expect(against.difference.lines).toEqual([]);
  });

  it("compares with the state that both began from", async () => {
    const before = head();
    box.git("checkout", "--quiet", "-b", "work");
    await grant(box.context(), { vault: box.vault, agent: "bot", target: "stripe/api-key" });
    await set(box.context(), { vault: box.vault, path: "db/url", value: Buffer.from("x") });
    const work = head();
    box.git("checkout", "--quiet", "main");
    await revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
    const { against } = JSON.parse(await box.ok("verify", "--at", work, "--against", "main", "--json"));
    expect(against).toMatchObject({ commit: head(), base: before, difference: { access: [], secrets: { added: ["db/url"] } } });
    const stale = JSON.parse(await box.ok("verify", "--at", before, "--against", "main", "--json"));
    expect(stale.against).toMatchObject({ base: before, difference: { access: [], changes: [] } });
  });

  it("takes a commit without a vault for nothing", async () => {
    box.git("checkout", "--quiet", "--orphan", "empty");
    box.git("rm", "-rq", "--cached", ".");
    box.git("commit", "--quiet", "--allow-empty", "--message", "nothing");
    const empty = head();
    box.git("checkout", "--quiet", "--force", "main");
    const { against } = JSON.parse(await box.ok("verify", "--against", empty, "--json"));
    expect(against).toMatchObject({ before: "absent", difference: { access: [{ agent: "bot", gains: ["stripe/api-key"], loses: [] }] } });
  });

  it("says of what it compares with when that is not in order, or signed by nobody", async () => {
    appendFileSync(join(box.vault, "manifest.yaml"), "# by another hand\n");
    const tampered = commit();
    box.git("revert", "--no-edit", "HEAD");
    const { findings, ok } = await verify(box.context(), box.vault, { against: tampered });
    expect(findings).toMatchObject([{ severity: "warning", kind: "against", subject: tampered }]);
    expect(findings[0]!.message).toContain("manifest.yaml is not what the owner signed");
    expect(ok).toBe(true);

    box.git("rm", "-q", "--cached", ".agent-vault/vault.lock", ".agent-vault/vault.lock.sig");
    box.git("commit", "--quiet", "--message", "unsigned");
    const unsigned = head();
    commit("signed once more");
    expect((await verify(box.context(), box.vault, { against: unsigned })).comparison!.before).toBe("unsigned");
  });

  it("prints Markdown in which no name is markup", async () => {
    const before = head();
    const hostile = "x|y`z`<img src=a> @team [a](http:b) **c**\\|\n# d.enc";
    box.write(`.agent-vault/secrets/stripe/${hostile.replaceAll("/", "")}`, "x");
    edit("manifest.yaml", (text) => text.replace("- stripe/api-key", '- stripe/api-key\n  - "../`|<b>@x"'));
    const { stdout } = await box.cli(["verify", "--against", before, "--format", "markdown"]);
    const lines = stdout.toString().trimEnd().split("\n");
    expect(lines[0]).toBe("### What this changes in the vault: **problems found**");
    expect(lines).toContain("#### Files");
    expect(lines).toContain("| other files | `manifest.yaml` |");
    expect(lines.find((line) => line.includes("img"))).toContain("x\\u007cy\\u0060z\\u0060<img src=a> @team");
    // Outside of code spans stand our own words alone, and each row of a table has as many cells as its head.
    let columns = 0;
    let fence: string | undefined;
    for (const line of lines) {
      const isFence = fence === undefined ? /^`{3,}diff$/.test(line) : line === fence;
      if (isFence) fence = fence === undefined ? line.slice(0, -"diff".length) : undefined;
      // In a block nothing is markup, and nothing but its fence ends it.
      if (isFence || fence !== undefined) continue;
      expect(line.replace(/`[^`]*`/g, "")).toMatch(/^[\w #|:*,.()-]*$/);
      const bars = line.match(/\|/g)?.length ?? 0;
      if (columns > 0 && bars > 0) expect(bars, line).toBe(columns);
      columns = bars;
    }
  });

  it("keeps Markdown within what a comment holds", async () => {
    const before = head();
    for (let index = 0; index < 70; index++) box.write(`.agent-vault/stray-${index}.txt`, "x");
    const { stdout } = await box.cli(["verify", "--against", before, "--format", "markdown"]);
    expect(stdout.toString()).toContain("\nAnd 20 more.\n");
  });
});

/** As much of a SARIF result as is looked at. */
interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly locations: [
    { readonly physicalLocation: { artifactLocation: { uri: string; uriBaseId: string }; region: { startLine: number } } },
  ];
}

describe("verify --format sarif", () => {
  it("is a log that code-scanning pages read: rules, results, places, fingerprints", async () => {
    box.write(".agent-vault/notes 1.txt", `\n\n${KEY}\n`);
    appendFileSync(join(box.vault, "manifest.yaml"), "# by another hand\n");
    const { stdout, code } = await box.cli(["verify", "--format", "sarif"]);
    expect(code).toBe(5);
    const log = JSON.parse(stdout.toString());
    expect(log.version).toBe("2.1.0");
    expect(log.$schema).toMatch(/sarif-schema-2\.1\.0\.json$/);
    const [{ tool, results }] = log.runs;
    expect(tool.driver).toMatchObject({ name: "agent-vault", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    const rules = tool.driver.rules.map(({ id }: { id: string }) => id);
    expect(new Set(rules).size).toBe(rules.length);
    const places = results.map((result: Result) => {
      expect(rules[result.ruleIndex]).toBe(result.ruleId);
      expect(result.message.text).not.toBe("");
      expect(Object.values(result.partialFingerprints)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
      const { artifactLocation, region } = result.locations[0].physicalLocation;
      expect(artifactLocation.uriBaseId).toBe("%SRCROOT%");
      return `${result.level} ${result.ruleId} ${artifactLocation.uri}:${region.startLine}`;
    });
    expect(places).toEqual([
      "error tampered .agent-vault/manifest.yaml:1",
      "error key-material .agent-vault/notes%201.txt:3",
      "warning stray .agent-vault/notes%201.txt:1",
    ]);
    const again = JSON.parse((await box.cli(["verify", "--format", "sarif"])).stdout.toString());
    expect(again).toEqual(log);
  });
});
