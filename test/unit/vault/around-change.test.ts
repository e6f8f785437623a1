import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { grant, revoke, set, sign, sync, VaultError, type Context } from "#vault/index.js";
import { digestOf } from "#vault/lock/digest.js";
import { parseLock } from "#vault/lock/lock.js";
import { addColleague, colleagueChanges } from "../../support/colleague.js";
import { setLastAsked } from "../../support/memory-and-clock.js";
import { prepared, type Sandbox } from "../../support/sandbox.js";
import { makeVault } from "../../support/vault.js";

const vault = prepared(async (box) => makeVault(box, { "stripe/api-key": "one" }));

const lockBytes = (folder: string) => readFileSync(join(folder, ".agent-vault/vault.lock"));
const previous = (box: Sandbox) => parseLock(lockBytes(box.repository)).previous;
const change = (box: Sandbox, context: Context = box.context()) =>
  set(context, { vault: box.vault, path: "here/secret", value: Buffer.from("x") });
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof VaultError ? error.code : error),
  );
const tip = (box: Sandbox) => box.gitIn(join(box.root, "remote.git"), "rev-parse", "main").trim();
const head = (box: Sandbox) => box.git("rev-parse", "HEAD").trim();

/** @returns the digest of a colleague's state, which the next command asks for */
async function colleagueChanged(box: Sandbox): Promise<string> {
  const clone = await colleagueChanges(box);
  setLastAsked(box.repository);
  return digestOf(lockBytes(clone));
}

async function configure(box: Sandbox, settings: string): Promise<void> {
  const file = join(box.vault, "config.yaml");
  writeFileSync(file, `${readFileSync(file, "utf8")}settings:\n  pull_interval: 0\n  sync:\n    ${settings}\n`);
  await sign(box.context(), { vault: box.vault, approve: () => true });
}

describe("before a change", () => {
  it("the newest state of the remote is taken over, where the branch merely has to be moved on", async () => {
    const box = await vault();
    await configure(box, "pull_before_change: true");
    box.addRemote();
    const theirs = await colleagueChanged(box);
    box.write("app.js", "edited, and not in the way\n");
    await change(box);
    expect(previous(box)).toEqual([theirs]);
    expect(box.git("status", "--porcelain")).toBe("?? app.js\n");
  });

  it("nothing is joined: with commits of one's own, the state that was seen has to be taken over first", async () => {
    const box = await vault();
    await configure(box, "pull_before_change: true");
    box.addRemote();
    await colleagueChanged(box);
    box.write("app.js", "mine\n");
    box.git("add", "app.js");
    box.git("commit", "--quiet", "--message", "Code");
    const before = head(box);
    expect(await codeOf(change(box))).toBe("ROLLBACK");
    expect(head(box)).toBe(before);
  });

  it("the remote is not asked within the vault's interval, nor where the vault says so", async () => {
    const box = await vault();
    box.addRemote();
    await change(box);
    const lock = digestOf(lockBytes(box.repository));
    await colleagueChanged(box);
    setLastAsked(box.repository, new Date());
    await set(box.context(), { vault: box.vault, path: "here/other", value: Buffer.from("x") });
    expect(previous(box)).toEqual([lock]);

    const other = await vault();
    await configure(other, "pull_before_change: false");
    other.addRemote();
    const own = digestOf(lockBytes(other.repository));
    await colleagueChanged(other);
    await change(other);
    expect(previous(other)).toEqual([own]);
  });

  it("a remote that is gone is a warning, and the change is made", async () => {
    const box = await vault();
    renameSync(box.addRemote(), join(box.root, "gone"));
    const context = box.context();
    await change(box, context);
    expect(context.warnings).toHaveLength(1);
    expect(box.git("log", "-1", "--format=%s")).toContain("here/secret");
  });

  it("a dry run moves nothing", async () => {
    const box = await vault();
    await configure(box, "pull_before_change: true");
    box.addRemote();
    await colleagueChanged(box);
    const before = head(box);
    await set(box.context(), { vault: box.vault, path: "here/secret", value: Buffer.from("x"), dryRun: true });
    expect(head(box)).toBe(before);
  });
});

describe("after a change, where the vault wants each one pushed", () => {
  it("puts it on the remote, and so is what was signed by hand", async () => {
    const box = await vault();
    await configure(box, "push: auto");
    box.addRemote();
    const context = box.context();
    await change(box, context);
    expect(tip(box)).toBe(head(box));
    const file = join(box.vault, "secrets/here/secret.meta");
    writeFileSync(file, `${readFileSync(file, "utf8")}description: x\n`);
    await sign(context, { vault: box.vault, approve: () => true });
    expect(tip(box)).toBe(head(box));
    expect(context.warnings).toEqual([]);
  });

  it("by default it is not pushed", async () => {
    const box = await vault();
    box.addRemote();
    const before = tip(box);
    await change(box);
    expect(tip(box)).toBe(before);
  });

  it.each<[string, (box: Sandbox) => unknown]>([
    ["the remote refuses", (box) => writeFileSync(join(box.root, "remote.git/hooks/pre-receive"), "#!/bin/sh\nexit 1\n", { mode: 0o755 })],
    ["the branch follows nothing", (box) => box.git("checkout", "--quiet", "-b", "feature")],
    ["the remote is gone", (box) => renameSync(join(box.root, "remote.git"), join(box.root, "gone"))],
  ])("the change is made where %s, and a warning says how to push it", async (_, prepare) => {
    const box = await vault();
    await configure(box, "push: auto");
    box.addRemote();
    prepare(box);
    const context = box.context();
    await change(box, context);
    expect(box.git("log", "-1", "--format=%s")).toContain("here/secret");
    expect(context.warnings.at(-1)).toMatch(
      /The change is made, but it was not pushed\. .*Push it with: (?:agent-vault sync|git push --set-upstream origin HEAD)$/s,
    );
  });
});

describe("sync", () => {
  it("says what gives more access, of what it pushes, and of what it takes over by a mere fast-forward", async () => {
    const box = await vault();
    await box.addAgent("bot");
    box.addRemote();
    const { clone, home } = addColleague(box);

    await grant(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
    const notes: string[] = [];
    const pushed = await sync(box.context({ note: (text) => notes.push(text) }), box.vault);
    expect(pushed).toMatchObject({ pushed: 1, pulledWidening: [] });
    expect(pushed.pushedWidening.join()).toMatch(/bot.*stripe/);
    expect(notes.join()).toMatch(/bot.*stripe/);
    const theirs = await sync(box.context({ cwd: clone, home }), join(clone, ".agent-vault"), { key: { keyFile: box.ownerKey } });
    expect(theirs).toMatchObject({ pulled: 1, pulledWidening: pushed.pushedWidening, pushedWidening: [] });

    await revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
    expect(await sync(box.context(), box.vault)).toMatchObject({ pushed: 1, pushedWidening: [], pulledWidening: [] });
  });
});
