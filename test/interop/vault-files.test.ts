import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lacks } from "../support/programs.js";
import { Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { resign } from "../support/signing.js";

const SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072, 1024 * 1024];

describe.skipIf(lacks("age", "script"))("the files of a vault and the age program", () => {
  it("age opens every file that a command writes, with the owner's key and with the agent's, after a grant and after a revoke", async () => {
    const box = new Sandbox();
    await makeVault(box);
    const values = new Map(SIZES.map((size) => [`sizes/b${size}`, randomBytes(size)]));
    for (const [path, value] of values) await box.set(path, value);
    for (const agent of ["ann", "bob"]) {
      await box.addAgent(agent, "sizes");
    }
    const age = async (key: string, file: string) => box.run("age", ["--decrypt", "--identity", key, join(box.vault, file)]);
    const expectOpens = async (key: string) => {
      for (const [path, value] of values) {
        const outcome = await age(key, `secrets/${path}.enc`);
        expect(outcome.code, `${key} opens ${path}: ${outcome.stderr}`).toBe(0);
        expect(outcome.stdout.equals(value)).toBe(true);
      }
    };
    for (const key of [box.ownerKey, box.agentKey("ann"), box.agentKey("bob")]) await expectOpens(key);
    const escrow = await age(box.ownerKey, "agents/ann/private.key.escrow");
    expect(readFileSync(box.agentKey("ann"), "utf8")).toContain(escrow.stdout.toString());

    await box.ok("revoke", "bob", "sizes");
    for (const key of [box.ownerKey, box.agentKey("ann")]) await expectOpens(key);
    for (const path of values.keys()) expect((await age(box.agentKey("bob"), `secrets/${path}.enc`)).code).not.toBe(0);
  });

  it("a command opens what age writes in a secret's place", async () => {
    const box = new Sandbox();
    await makeVault(box, {}, { ann: [] });
    await box.set("a/b", "old");
    await box.grant("ann", "a");
    const recipients = ["owner.pub", "agents/ann/public.key"].flatMap((file) => [
      "--recipient",
      readFileSync(join(box.vault, file), "utf8"),
    ]);
    for (const size of SIZES) {
      const value = randomBytes(size);
      const written = await box.run("age", ["--encrypt", ...recipients], { input: value });
      writeFileSync(join(box.vault, "secrets/a/b.enc"), written.stdout);
      resign(box);
      for (const key of [box.ownerKey, box.agentKey("ann")]) {
        expect((await box.cli(["get", "a/b", "--key", key])).stdout.equals(value)).toBe(true);
      }
    }
  });
});
