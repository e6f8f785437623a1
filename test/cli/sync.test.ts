import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCode, prepared, type Outcome, type Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

const vault = prepared(async (box) => {
  await makeVault(box, { "stripe/api-key": "one" }, { ann: [] });
});

/** The vault with a remote, and another clone of its owner's. */
async function cloned(): Promise<{ box: Sandbox; clone: string; inClone: (...args: string[]) => Promise<Outcome> }> {
  const box = await vault();
  box.addRemote();
  const clone = join(box.root, "clone");
  box.gitIn(box.root, "clone", "--quiet", join(box.root, "remote.git"), clone);
  return { box, clone, inClone: (...args) => box.cli(["-C", clone, ...args], { input: "two" }) };
}

const head = (box: Sandbox, folder = box.repository) => box.gitIn(folder, "rev-parse", "HEAD").trim();
const json = (outcome: Outcome) => JSON.parse(outcome.stdout.toString()) as Record<string, unknown>;

describe("sync", () => {
  it("brings what is here to the remote, and what is there to here", async () => {
    const { box, clone, inClone } = await cloned();
    await box.set("stripe/api-key", "two");
    await box.grant("ann", "stripe");
    const gain = ["agent ann gains access to 1 secret: stripe/api-key", "agent ann joins group stripe"];
    const none = { pulled_widening: [], pushed_widening: [] };
    const upstream = "origin/main";
    expect(json(await box.cli(["sync", "--json"]))).toEqual({
      ...none,
      upstream,
      pulled: 0,
      pushed: 2,
      pushed_widening: gain,
      sequence: 5,
    });
    expect(json(await inClone("sync", "--json"))).toEqual({ ...none, upstream, pulled: 2, pushed: 0, pulled_widening: gain, sequence: 5 });
    expect(head(box, clone)).toBe(head(box));
    expect(json(await box.cli(["sync", "--json"]))).toEqual({ ...none, upstream, pulled: 0, pushed: 0, sequence: 5 });
  });

  it("only takes with --pull and only brings with --push", async () => {
    const { box, clone, inClone } = await cloned();
    await box.grant("ann", "stripe");
    const before = head(box, join(box.root, "remote.git"));
    await box.ok("sync", "--pull");
    expect(head(box, join(box.root, "remote.git"))).toBe(before);
    await box.ok("sync", "--push");
    expect(head(box, join(box.root, "remote.git"))).toBe(head(box));
    expect((await inClone("sync", "--push")).code).toBe(0);
    expect(head(box, clone)).toBe(before);
    expect((await inClone("sync", "--pull", "--push")).code).toBe(2);
  });

  it("merges what both sides have changed, and tells an agent what they have, and changes neither", async () => {
    const { box, clone, inClone } = await cloned();
    await box.grant("ann", "stripe");
    expect((await inClone("set", "db/url")).code).toBe(0);
    await box.ok("sync");
    const heads = [head(box, clone), head(box, join(box.root, "remote.git"))];
    const outcome = await inClone("sync", "--key", box.agentKey("ann"));
    expect([errorCode(outcome), outcome.code]).toEqual(["CONFLICT", 7]);
    expect(outcome.stderr).toMatch(/here:\n {2}.*\n {4}.*db\/url/);
    expect(outcome.stderr).toMatch(/remote:\n {2}.*\n {4}.*\bann\b.*stripe\/api-key/);
    expect([head(box, clone), head(box, join(box.root, "remote.git"))]).toEqual(heads);
    const read = await inClone("get", "stripe/api-key");
    expect([read.stderr, read.code]).toEqual([expect.stringMatching(/^warning: /), 0]);
    const merged = await inClone("sync", "--json");
    expect([merged.stderr, merged.code]).toEqual([expect.stringContaining("0.2.0 cannot read it"), 0]);
    expect(json(merged)).toMatchObject({ merged: { isFirst: true, encrypted: 0, notes: [], answered: [] }, pushed: 2 });
    expect(head(box, clone)).toBe(head(box, join(box.root, "remote.git")));
  });

  it("lists the conflicts without a terminal, and takes one side's answers where told to", async () => {
    const { box, inClone } = await cloned();
    await box.set("stripe/api-key", "mine");
    expect((await inClone("set", "stripe/api-key")).code).toBe(0);
    await box.ok("sync");
    const outcome = await inClone("sync");
    expect([errorCode(outcome), outcome.code]).toEqual(["CONFLICT", 7]);
    expect(outcome.stderr).toMatch(/Conflict \(value\): stripe\/api-key\n {2}ours: .*version 2.*\n {2}theirs: .*version 2/);
    expect(outcome.stderr).not.toContain("mine");
    expect((await inClone("sync", "--dry-run")).stdout.toString()).toContain("Conflict (value): stripe/api-key");
    expect((await inClone("sync", "--ours", "--theirs")).code).toBe(2);
    expect((await inClone("sync", "--theirs")).code).toBe(0);
    expect((await inClone("get", "stripe/api-key")).stdout.toString()).toBe("mine");
  });

  it("comes first in a clone that is behind and has edits in the way: nothing is changed on an old state", async () => {
    const { box, clone, inClone } = await cloned();
    box.write("app.js", "theirs\n");
    box.git("add", "app.js");
    box.git("commit", "--quiet", "--message", "Code");
    await box.grant("ann", "stripe");
    await box.ok("sync");
    const before = head(box, clone);
    writeFileSync(join(clone, "app.js"), "mine\n");
    const behind = await inClone("set", "db/url");
    expect([errorCode(behind), behind.code]).toEqual(["ROLLBACK", 5]);
    expect(behind.stderr).toContain("agent-vault sync");
    expect(head(box, clone)).toBe(before);
    rmSync(join(clone, "app.js"));
    // What was put aside is no more in the way.
    expect((await inClone("set", "db/url")).code).toBe(0);
    expect(box.gitIn(clone, "rev-parse", "HEAD~1").trim()).toBe(head(box));
  });

  it("says what to do where nothing is followed, and where the remote is gone", async () => {
    const box = await vault();
    const alone = await box.cli(["sync"]);
    expect([errorCode(alone), alone.code]).toEqual(["GIT_FAILED", 1]);
    expect(alone.stderr).toContain("git remote add");
    box.git("init", "--quiet", "--bare", join(box.root, "remote.git"));
    box.git("remote", "add", "origin", join(box.root, "remote.git"));
    expect((await box.cli(["sync"])).stderr).toContain("git push --set-upstream origin HEAD");
    box.git("push", "--quiet", "--set-upstream", "origin", "main");
    rmSync(join(box.root, "remote.git"), { recursive: true });
    const offline = await box.cli(["sync"]);
    expect([errorCode(offline), offline.code]).toEqual(["GIT_FAILED", 1]);
  });

  it("pushes nothing that its owner has not signed", async () => {
    const { box } = await cloned();
    const before = head(box, join(box.root, "remote.git"));
    const manifest = join(box.vault, "manifest.yaml");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace("groups: []", "groups:\n  - stripe"));
    box.git("commit", "--quiet", "--all", "--message", "By hand");
    for (const flags of [[], ["--push"]]) {
      const outcome = await box.cli(["sync", ...flags]);
      expect([errorCode(outcome), outcome.code]).toEqual(["TAMPERED", 5]);
    }
    expect(head(box, join(box.root, "remote.git"))).toBe(before);
  });

  it("remembers what it has pushed: a remote that goes back is refused", async () => {
    const { box } = await cloned();
    await box.set("stripe/api-key", "two");
    await box.ok("sync");
    box.git("push", "--quiet", "--force", "origin", "HEAD~1:main");
    const outcome = await box.cli(["sync", "--pull"]);
    expect([errorCode(outcome), outcome.code]).toEqual(["ROLLBACK", 5]);
    expect(existsSync(join(box.vault, "secrets/stripe/api-key.enc"))).toBe(true);
    expect((await box.cli(["get", "stripe/api-key", "--no-pull"])).stdout.toString()).toBe("two");
  });
});
