import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readMemory, VaultState } from "#vault/index.js";
import { colleagueChanges } from "../support/colleague.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { errorCode, prepared, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

/** A clone with the hook, that pushes with plain git, and whose vault was read once. */
const pushed = prepared(async (box) => makeVault(box, { "stripe/api-key": "one" }));

async function clone(box: Sandbox): Promise<{ old: string; remote: string }> {
  const remote = box.addRemote();
  await box.ok("hook", "install");
  await box.ok("get", "stripe/api-key");
  return { old: box.git("rev-parse", "HEAD").trim(), remote };
}

async function read(box: Sandbox): Promise<string> {
  setLastAsked(box.repository);
  const outcome = await box.cli(["get", "stripe/api-key"]);
  return outcome.code === 0 ? outcome.stdout.toString() : errorCode(outcome)!;
}

const made = (box: Sandbox) => readMemory(box.context(), new VaultState(box.vault).config.id!)!.made;

describe("a plain git push", () => {
  it("is known: a remote that goes back behind it is refused, also after git fetch", async () => {
    const box = await pushed();
    const { old, remote } = await clone(box);
    await box.set("stripe/api-key", "two");
    box.git("push", "--quiet");
    expect(made(box)).toMatchObject([{ isPushed: true }]);
    box.gitIn(remote, "update-ref", "refs/heads/main", old);
    box.git("fetch", "--quiet");
    expect(await read(box)).toBe("ROLLBACK");
  });

  it("that the remote refuses does no harm: a colleague was faster, and nobody is alarmed", async () => {
    const box = await pushed();
    await clone(box);
    await colleagueChanges(box);

    await box.set("stripe/api-key", "two");
    expect((await box.run("git", ["push", "--quiet"])).code).not.toBe(0);
    expect(made(box)).toMatchObject([{ isPushed: true }]);
    expect(await read(box)).toBe("two");
    box.git("fetch", "--quiet");
    expect(await read(box)).toBe("two");
  });

  it("of a new branch says what the branch follows, and a deleted or a foreign branch says nothing", async () => {
    const box = await pushed();
    await clone(box);
    box.git("checkout", "--quiet", "-b", "feature");
    await box.set("stripe/api-key", "two");
    box.git("push", "--quiet", "origin", "main:other", "HEAD:refs/tags/v1");
    box.git("push", "--quiet", "origin", ":other");
    expect(made(box)[0]).not.toHaveProperty("isPushed");
    box.git("push", "--quiet", "--set-upstream", "origin", "feature");
    expect(made(box)).toMatchObject([{ isPushed: true, follows: { ref: "refs/heads/feature", tracking: "refs/remotes/origin/feature" } }]);
  });

  it("goes on without a word where memory cannot be read or written", async () => {
    const box = await pushed();
    await clone(box);
    await box.set("stripe/api-key", "two");
    const file = join(box.root, "file");
    writeFileSync(file, "");
    const folder = join(box.home, ".agent-vault/trust", new VaultState(box.vault).config.id!);
    const memory = readFileSync(join(folder, "memory.json"));
    for (const home of [join(file, "home"), box.home]) {
      writeFileSync(join(folder, "memory.json"), "broken");
      const outcome = await box.run("git", ["push", "--quiet"], {
        env: { AGENT_VAULT_HOME: home === box.home ? join(home, ".agent-vault") : home },
      });
      expect([outcome.code, outcome.stdout.toString(), outcome.stderr]).toEqual([0, "", ""]);
      box.git("commit", "--quiet", "--allow-empty", "--message", "more");
    }
    writeFileSync(join(folder, "memory.json"), memory);
    rmSync(file);
    expect(await read(box)).toBe("two");
  });
});
