import { cpSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Sandbox, type Outcome } from "../support/sandbox.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { makeVault } from "../support/vault.js";

/** A vault on a remote, and a clone on a feature branch, from which main was seen. */
async function cloned(): Promise<{ box: Sandbox; clone: string; get: (folder?: string, strict?: string) => Promise<Outcome> }> {
  const box = new Sandbox();
  await makeVault(box, { "stripe/api-key": "one" });
  box.addRemote();
  const clone = join(box.root, "clone");
  box.gitIn(box.root, "clone", "--quiet", join(box.root, "remote.git"), clone);
  box.gitIn(clone, "checkout", "--quiet", "-b", "feature");
  const get = (folder = ".", strict = "0") => {
    setLastAsked(clone, new Date(0));
    return box.cli(["-C", join(clone, folder), "get", "stripe/api-key"], { env: { AGENT_VAULT_STRICT: strict } });
  };
  expect((await get()).stdout.toString()).toBe("one");
  return { box, clone, get };
}

function move(box: Sandbox, to: string): void {
  mkdirSync(join(box.repository, to), { recursive: true });
  box.git("mv", ".agent-vault", join(to, ".agent-vault"));
}

function push(box: Sandbox): void {
  box.git("commit", "--quiet", "--message", "Move the vault");
  box.git("push", "--quiet", "origin", "main");
}

const codeOf = ({ stderr }: Outcome) => /\[(\w+)\]/.exec(stderr)?.[1];

describe("a vault that was moved on its main branch", () => {
  it("is said to be where it is, and read there", async () => {
    const { box, clone, get } = await cloned();
    move(box, "services/api");
    push(box);
    const outcome = await get();
    expect(codeOf(outcome)).toBe("VAULT_NOT_FOUND");
    expect(outcome.stderr).toContain("it is in services/api/.agent-vault/");
    expect(outcome.stderr).toContain("agent-vault -C services/api.");
    box.gitIn(clone, "pull", "--quiet", "origin", "main");
    expect((await get("services/api")).stdout.toString()).toBe("one");
  });

  it("is said to be elsewhere where another one lies in its place", async () => {
    const { box, get } = await cloned();
    move(box, "services/api");
    const other = new Sandbox();
    await makeVault(other, { "stripe/api-key": "of another vault" });
    cpSync(other.vault, box.vault, { recursive: true });
    box.git("add", ".agent-vault");
    push(box);
    const outcome = await get();
    expect(codeOf(outcome)).toBe("WRONG_VAULT");
    expect(outcome.stderr).toContain("services/api/.agent-vault/");
  });

  it.each<[string, (box: Sandbox) => void]>([
    ["is nowhere", (box) => void box.git("rm", "-r", "--quiet", ".agent-vault")],
    [
      "lies elsewhere without a right signature",
      (box) => {
        move(box, "old");
        box.write("old/.agent-vault/vault.lock", "version: 1\n");
        box.git("add", "old");
      },
    ],
    [
      "lies elsewhere in part",
      (box) => {
        move(box, "old");
        box.git("rm", "--quiet", "-f", "old/.agent-vault/vault.lock.sig");
      },
    ],
    [
      "lies in a folder of another name",
      (box) => {
        renameSync(box.vault, join(box.repository, "vault"));
        box.git("add", "--all");
      },
    ],
  ])("and %s is gone: the state before is read, and in strict mode it is an error", async (_what, take) => {
    const { box, get } = await cloned();
    take(box);
    push(box);
    const outcome = await get();
    expect([outcome.code, outcome.stdout.toString()]).toEqual([0, "one"]);
    expect(outcome.stderr).toContain(box.git("rev-parse", "HEAD").slice(0, 12));
    expect(codeOf(await get(".", "1"))).toBe("ROLLBACK");
  });
});
