import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openVault, verify } from "#vault/index.js";
import { Ancestry } from "#vault/lock/ancestry.js";
import { digestOf, type Digest } from "#vault/lock/digest.js";
import { signerLocks } from "#vault/lock/signer-locks.js";
import { Sandbox } from "../support/sandbox.js";

const FIXTURE = join(import.meta.dirname, "../../fixtures/vault-0.2");

/** A clone of a branch of the fixture, by its owner. */
function cloned(branch: string, ...options: string[]): Sandbox {
  const box = new Sandbox({ git: false });
  const whole = join(box.root, "whole");
  box.gitIn(box.root, "clone", "--quiet", "--branch", branch, join(FIXTURE, "history.bundle"), whole);
  box.gitIn(box.root, "clone", "--quiet", ...options, "--branch", branch, `file://${whole}`, box.repository);
  cpSync(join(FIXTURE, "home"), join(box.home, ".agent-vault"), { recursive: true });
  return box;
}

const ancestry = (box: Sandbox) => Ancestry.parse(readFileSync(join(box.vault, "vault.states")));

/** The states that HEAD has behind it, but for its own. */
function statesBehind(box: Sandbox): Digest[] {
  const [, ...commits] = box.git("rev-list", "HEAD", "--", ".agent-vault/vault.lock").trim().split("\n");
  return commits.map((commit) => digestOf(`${box.git("show", `${commit}:.agent-vault/vault.lock`).trimEnd()}\n`));
}

async function signers(box: Sandbox): Promise<number[]> {
  const { files, trusted } = await openVault(box.context(), box.vault, "files");
  return signerLocks(files, trusted!.lock.vault).map(({ lock }) => lock.sequence);
}

async function errors(box: Sandbox): Promise<string[]> {
  const { findings } = await verify(box.context(), box.vault);
  return findings.filter(({ severity }) => severity === "error").map(({ message }) => message);
}

describe("a vault of agent-vault 0.2.0", () => {
  it.each([
    ["made-by-0.2.0", "two", 4, [1, 3]],
    ["changed-by-0.2.0", "four", 9, [1, 3, 8]],
  ] as const)("%s, is read, and its first change lists all states behind it", async (branch, value, count, changedOwners) => {
    const box = cloned(branch);
    expect(await box.ok("get", "db/password")).toBe(value);
    expect(await errors(box)).toEqual([]);
    await box.set("db/password", "new");
    expect(ancestry(box).size).toBe(count);
    for (const digest of statesBehind(box)) expect(ancestry(box).has(digest)).toBe(true);
    expect(await signers(box)).toEqual(changedOwners);
    expect(await errors(box)).toEqual([]);
    expect(await box.ok("get", "db/password")).toBe("new");
  });

  it("gives an agent what 0.2.0 granted, before and after", async () => {
    const box = cloned("changed-by-0.2.0");
    const read = async () => (await box.cli(["get", "db/password", "--key", box.agentKey("bot")])).stdout.toString();
    expect(await read()).toBe("four");
    await box.set("db/password", "new");
    expect(await read()).toBe("new");
  });

  it("lists what a clone of the newest commit alone can know", async () => {
    const box = cloned("changed-by-0.2.0", "--depth=1");
    const before = ancestry(box).size;
    await box.set("db/password", "new");
    // The states before the one of the later version, that one's successor is out of reach, then the two that the newest lock tells.
    expect(ancestry(box).size).toBe(before + 2);
    expect(await signers(box)).toEqual([1, 3, 9]);
    expect(await errors(box)).toEqual([]);
    // What lies in the gap is neither older nor another line of states, as far as is known.
    const { trusted } = await openVault(box.context(), box.vault, "files");
    const other = digestOf("a state");
    expect(trusted!.lineage.lists(other)).toBe(undefined);
    // A change where the history is at hand fills it.
    box.git("fetch", "--quiet", "--unshallow");
    await box.set("db/password", "newer");
    for (const digest of statesBehind(box)) expect(ancestry(box).has(digest)).toBe(true);
    expect(await signers(box)).toEqual([1, 3, 8, 9]);
    expect(await errors(box)).toEqual([]);
    expect((await openVault(box.context(), box.vault, "files")).trusted!.lineage.lists(other)).toBe(false);
  });
});
