import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Sandbox } from "../support/sandbox.js";

interface Diagnosis {
  readonly subject: string;
  readonly state: string;
  readonly message: string;
  readonly remedy?: string;
}

async function examine(box: Sandbox, ...flags: string[]): Promise<{ code: number | null; found: Diagnosis[] }> {
  const { code, stdout } = await box.cli(["doctor", "--json", ...flags], { env: { CLAUDECODE: "" } });
  return { code, found: JSON.parse(stdout.toString()) as Diagnosis[] };
}

const statesOf = (found: readonly Diagnosis[]) => Object.fromEntries(found.map(({ subject, state }) => [subject, state]));

describe("doctor", () => {
  it.skipIf(process.platform === "win32")("gives git no variable of agent-vault, whatever git is on the PATH", async () => {
    const box = new Sandbox();
    const seen = join(box.root, "seen");
    const git = box.write(join(box.root, "bin/git"), `#!/bin/sh\nenv >>'${seen}'\nPATH='${process.env["PATH"]}' exec git "$@"\n`);
    chmodSync(git, 0o755);
    const env = {
      PATH: `${join(box.root, "bin")}${delimiter}${process.env["PATH"]}`,
      AGENT_VAULT_TOKEN: "avt1_token",
      AGENT_VAULT_OWNER: "owner",
    };
    await box.cli(["doctor"], { env });
    expect(existsSync(seen)).toBe(true);
    expect(readFileSync(seen, "utf8")).not.toContain("AGENT_VAULT_");
  });

  it("checks the machine, the keys and the vault, and says so in sentences", async () => {
    const box = new Sandbox({ audit: true });
    await box.ok("init");
    const { code, found } = await examine(box);
    expect([code, statesOf(found)]).toEqual([
      0,
      {
        "agent-vault": "ok",
        node: "ok",
        git: "ok",
        engine: "ok",
        keys: "ok",
        key: "ok",
        vault: "ok",
        trust: "ok",
        clock: "ok",
        repository: "ok",
        hook: "ok",
        merge: "ok",
        ledger: "ok",
      },
    ]);
    for (const { message } of found) expect(message).toMatch(/[^.]\.$/);
  });

  it("repeats git's own line where the repository belongs to somebody else, and never says git init", async () => {
    const box = new Sandbox();
    await box.ok("init");
    const env = { GIT_CONFIG_GLOBAL: box.write(join(box.root, "plain"), ""), GIT_TEST_ASSUME_DIFFERENT_OWNER: "1", CLAUDECODE: "" };
    const { stdout } = await box.cli(["doctor", "--json"], { env });
    const found = JSON.parse(stdout.toString()) as Diagnosis[];
    for (const subject of ["repository", "hook"]) {
      const { state, message } = found.find((one) => one.subject === subject)!;
      expect([state, message]).toEqual(["warning", expect.stringContaining(`safe.directory ${box.repository}`)]);
    }
    expect(stdout.toString()).not.toContain("git init");
  });

  it("suggests a fix for what is wrong, and exits with 5 for errors", async () => {
    const box = new Sandbox({ identity: false });
    const env = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b.c", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@b.c" };
    expect((await box.cli(["init", "--no-hook"], { env })).code).toBe(0);
    rmSync(join(box.vault, "vault.lock.sig"));
    const { code, found } = await examine(box, "--key", "missing.key");
    expect([code, statesOf(found)]).toEqual([
      5,
      {
        "agent-vault": "ok",
        node: "ok",
        git: "ok",
        audit: "warning",
        keys: "ok",
        key: "warning",
        vault: "error",
        repository: "warning",
        hook: "warning",
        merge: "warning",
        ledger: "ok",
      },
    ]);
    for (const { state, message, remedy } of found) {
      expect(message).toMatch(/[^.]\.$/);
      if (state !== "ok") expect(remedy).toMatch(/[^.]\.$/);
    }
  });

  it("finds files that are not what was signed, whether or not a read would need them", async () => {
    const box = new Sandbox({ audit: true });
    await box.ok("init");
    await box.set("stripe/api-key", "sk_1");
    for (const file of ["manifest.yaml", "config.yaml", "policy.yaml", "secrets/stripe/new.enc", "secrets/stripe/api-key.enc"]) {
      const path = join(box.vault, file);
      const before = existsSync(path) ? readFileSync(path) : undefined;
      writeFileSync(path, `${before?.toString("latin1") ?? ""}# mallory was here\n`, "latin1");
      const { code, found } = await examine(box);
      expect([file, code, statesOf(found)["vault"]]).toEqual([file, 5, "error"]);
      if (before) writeFileSync(path, before);
      else rmSync(path);
    }
    expect((await examine(box)).code).toBe(0);
  });

  it("needs no vault", async () => {
    const { code, found } = await examine(new Sandbox());
    expect([code, found.map(({ subject }) => subject).at(-1)]).toEqual([0, "vault"]);
  });
});
