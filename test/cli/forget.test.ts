import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readMemory, VaultState } from "#vault/index.js";
import { Pty } from "../support/pty.js";
import { lacks } from "../support/programs.js";
import { CLI, errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const vault = prepared(async (box) => makeVault(box, { "stripe/api-key": "one" }));

const idOf = (box: Sandbox) => new VaultState(box.vault).config.id!;
// A repository without a remote is remembered by its folder.
const remotes = (box: Sandbox) => Object.keys(readMemory(box.context(), idOf(box))!.remotes).filter((name) => name.endsWith("remote.git"));

describe("doctor --forget", () => {
  it("is for a person alone", async () => {
    const box = await vault();
    const remote = box.addRemote();
    await box.ok("get", "stripe/api-key");
    const id = idOf(box);
    expect(errorCode(await box.cli(["doctor", "--forget", id, remote], { input: `${id}\n` }))).toBe("CONFIRMATION_REQUIRED");
    expect(errorCode(await box.cli(["doctor", "--forget", id]))).toBe("USAGE");
    expect(remotes(box)).toEqual([remote]);
  });

  it.skipIf(lacks("script"))("takes back what is remembered for that remote, once the vault's id is typed", async () => {
    const box = await vault();
    const remote = box.addRemote();
    await box.ok("get", "stripe/api-key");
    const id = idOf(box);
    const places = join(box.home, ".agent-vault/trust/places");
    expect(readdirSync(places)).toHaveLength(1);
    const type = async (text: string) => {
      const pty = new Pty(`'${process.execPath}' '${CLI}' doctor --forget ${id} '${remote}'`, { cwd: box.repository, env: box.env });
      await pty.shows("type the vault's id:");
      pty.type(`${text}\n`);
      await pty.closed;
    };
    await type("y");
    expect(remotes(box)).toEqual([remote]);
    await type(id);
    expect(remotes(box)).toEqual([]);
    expect(readdirSync(places)).toEqual([]);
    await box.ok("get", "stripe/api-key");
  });
});

it("doctor lists claims, and tells one that was left behind", async () => {
  const box = await vault();
  const claim = join(box.repository, ".git/agent-vault/claim.0123456789ab.7.1.aa");
  writeFileSync(claim, "");
  utimesSync(claim, 0, 0);
  const found = JSON.parse((await box.cli(["doctor", "--json"])).stdout.toString()) as {
    subject: string;
    state: string;
    message: string;
  }[];
  expect(found).toContainEqual(
    expect.objectContaining({ subject: "lock", state: "warning", message: expect.stringContaining(claim) as string }),
  );
  await box.set("stripe/api-key", "two");
  expect(existsSync(claim)).toBe(false);
});
