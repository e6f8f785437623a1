import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { shownWords } from "#cli/owners-act.js";
import type { VaultCommand } from "#cli/vault-command.js";
import { allCommands } from "../support/commands.js";
import { errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const HARNESS = { CLAUDECODE: "1" };

let commands: ReadonlyMap<string, typeof VaultCommand>;
beforeAll(async () => {
  commands = await allCommands();
});

const vault = prepared(
  async (box) => {
    await makeVault(box, { "stripe/api-key": "sk_live_1234567890" });
    await box.addAgent("bot", "stripe");
  },
  { audit: true },
);

/** A command line of a command, with something in the place of all that it has to have. */
function lineOf(id: string, { args, flags }: typeof VaultCommand): string[] {
  const required = (all: Readonly<Record<string, { required?: boolean | undefined }>>) =>
    Object.keys(all).filter((name) => all[name]!.required);
  return [
    ...id.split(" "),
    ...required(args).map((name) => (name === "path" ? "a/b" : "x")),
    ...required(flags).flatMap((name) => [`--${name}`, "1d"]),
  ];
}

/** What lies in the vault and in the folder of keys, apart from the record of it. */
function contents(box: Sandbox): string {
  return [box.git("rev-parse", "HEAD"), box.git("status", "--porcelain"), readFileSync(join(box.vault, "vault.lock"), "utf8")].join("\n");
}

/** What answers a dialog, and keeps what it was asked. */
function dialog(box: Sandbox, answer: string): { env: Record<string, string>; asked(): string } {
  const log = join(box.root, "asked");
  const program = box.write(join(box.root, "bin/zenity"), `#!/bin/sh\nprintf '%s\\n' "$@" >> '${log}'\necho '${answer}'\nexit 1\n`);
  chmodSync(program, 0o755);
  return {
    env: { ...HARNESS, DISPLAY: ":99", PATH: `${join(box.root, "bin")}:${process.env["PATH"]}` },
    asked: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
  };
}

describe("commands under a coding agent", () => {
  it("each say whether they take a person's yes", () => {
    expect([...commands].filter(([, command]) => !Object.hasOwn(command, "needsPerson")).map(([id]) => id)).toEqual([]);
    const of = (need: string) => [...commands].filter(([, { needsPerson }]) => needsPerson === need).map(([id]) => id);
    expect(of("mints")).toEqual(["profile mint", "session start", "token mint"]);
    expect(of("hands-out-key")).toEqual(["restore-agent"]);
    expect(of("sometimes")).toEqual(["lease", "revoke-all", "sync"]);
    for (const id of ["token revoke", "session end"]) expect([id, commands.get(id)!.needsPerson]).toEqual([id, "never"]);
  });

  it("do nothing with the owner's key without a person's yes, which only a dialog can give", async () => {
    const box = await vault();
    const before = contents(box);
    const refused = [...commands].filter(([, { needsPerson }]) => needsPerson !== "never" && needsPerson !== "sometimes");
    expect(refused.length).toBeGreaterThan(15);
    for (const [id, command] of [...refused, ["lease", commands.get("lease")!] as const]) {
      for (const env of [HARNESS, { ...HARNESS, AGENT_VAULT_APPROVE: "session" }]) {
        const outcome = await box.cli(lineOf(id, command), { env });
        expect([id, errorCode(outcome), outcome.code, outcome.stdout.toString()]).toEqual([id, "APPROVAL_UNAVAILABLE", 6, ""]);
      }
      const denied = await box.cli(lineOf(id, command), { env: { ...HARNESS, AGENT_VAULT_APPROVE: "deny" } });
      expect([id, errorCode(denied)]).toEqual([id, "APPROVAL_DENIED"]);
    }
    expect(contents(box)).toBe(before);
    const rows = JSON.parse(await box.ok("audit", "--json", "--last", "200")) as { action: string; outcome: string; harness: string }[];
    const grants = rows.filter(({ action }) => action === "grant");
    expect(grants.at(-1)).toMatchObject({ outcome: "denied", harness: "claude-code" });
  });

  it("take power away without a question, and show what a change would be", async () => {
    const box = await vault();
    for (const words of [["revoke-all"], ["grant", "bot", "stripe", "--dry-run"], ["list"], ["status"]])
      expect([words, (await box.cli(words, { env: HARNESS })).code]).toEqual([words, 0]);
    expect(errorCode(await box.cli(["session", "end", "none"], { env: HARNESS }))).toBe("SESSION_NOT_FOUND");
    expect(errorCode(await box.cli(["token", "revoke", "none"], { env: HARNESS }))).toBe("TOKEN_NOT_FOUND");
    expect(errorCode(await box.cli(["revoke-all", "--rotate", "--yes"], { env: HARNESS }))).toBe("APPROVAL_UNAVAILABLE");
  });

  it("go on with a person's yes, which is on record, and show no value in the question", async () => {
    const box = await vault();
    const allowed = dialog(box, "Allow once");
    const outcome = await box.cli(["set", "stripe/new", "sk_live_not_to_be_shown", "--environment", "test"], { env: allowed.env });
    expect([errorCode(outcome), outcome.code]).toEqual([undefined, 0]);
    expect(allowed.asked()).toContain("agent-vault set stripe/new");
    expect(allowed.asked()).not.toContain("not_to_be_shown");
    const [row] = JSON.parse(await box.ok("audit", "--json", "--last", "1")) as { reason: string }[];
    expect(row!.reason).toContain("Approved once, by a person at a dialog.");
    expect(errorCode(await box.cli(["grant", "bot", "other"], { env: dialog(box, "Deny").env }))).toBe("APPROVAL_DENIED");
  });

  it("show their words, and none that may be secret", () => {
    expect(
      shownWords("token revoke", { token: "avt1_secret" }, { key: "f", all: true, yes: false, secret: ["a", "b"], token: "avt1_x" }),
    ).toEqual(["agent-vault", "token", "revoke", "…", "--key", "f", "--all", "--secret", "a", "--secret", "b", "--token", "…"]);
  });
});

describe("a use that acts for an agent", () => {
  const run = (box: Sandbox, secret: string, flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
    box.cli(["run", ...flags, "--secret", secret, "--", "true"], { env });

  it("takes the agent's key, and opens what that opens", async () => {
    const box = await vault();
    await box.set("other/token", "of the owners alone");
    expect((await run(box, "stripe/api-key", ["--agent", "bot"])).code).toBe(0);
    const [row] = JSON.parse(await box.ok("audit", "--json", "--last", "1")) as { who: string }[];
    expect(row!.who).toBe("bot");
    expect(errorCode(await run(box, "other/token", ["--agent", "bot"]))).toBe("NOT_AUTHORIZED");
    expect(errorCode(await run(box, "stripe/api-key", ["--agent", "nobody"]))).toBe("NO_KEY");
    expect(errorCode(await run(box, "stripe/api-key", ["--agent", "../owner"]))).toBe("INVALID_NAME");
    expect(errorCode(await run(box, "stripe/api-key", ["--agent", "bot", "--key", box.ownerKey]))).toBe("USAGE");
  });

  it("is a coding agent's by default where the owner's signed settings name one for it", async () => {
    const box = await vault();
    await box.set("other/token", "of the owners alone");
    const config = join(box.vault, "config.yaml");
    const before = readFileSync(config, "utf8");
    const name = (agents: string) => writeFileSync(config, `${before.trimEnd()}\nsettings:\n  harness_agents: ${agents}\n`);
    name("{claude-code: bot, codex: gone}");
    // Not before an owner has signed it, and not by an older file.
    expect(errorCode(await run(box, "other/token", [], HARNESS))).toBe("TAMPERED");
    await box.sign();
    expect(errorCode(await run(box, "other/token", [], HARNESS))).toBe("NOT_AUTHORIZED");
    expect((await run(box, "stripe/api-key", [], HARNESS)).code).toBe(0);
    expect((await run(box, "other/token")).code).toBe(0);
    expect((await run(box, "other/token", [], { CURSOR_AGENT: "1" })).code).toBe(0);
    expect(errorCode(await run(box, "stripe/api-key", [], { CODEX_CI: "1" }))).toBe("NO_KEY");
    box.write("template", "{{ vault://other/token }}");
    for (const words of [
      ["inject", "template"],
      ["get", "other/token"],
      ["get", "--for-program", "other/token"],
    ])
      expect([words, errorCode(await box.cli(words, { env: HARNESS }))]).toEqual([
        words,
        expect.stringMatching(/NOT_AUTHORIZED|HARNESS_DENIED/),
      ]);
    expect(await box.ok("policy", "explain", "--secret", "stripe/api-key", "--harness", "claude-code", "--json")).toContain("allowed");
    writeFileSync(config, before);
    expect(errorCode(await run(box, "other/token", [], HARNESS))).toBe("TAMPERED");
    name('{"*": bot}');
    await box.sign();
    expect(errorCode(await run(box, "other/token", [], { CURSOR_AGENT: "1" }))).toBe("NOT_AUTHORIZED");
  });
});
