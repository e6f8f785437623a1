import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { grant, removeAgent, revoke, set, sign, type VaultError } from "#vault/index.js";
import { Project } from "../support/project.js";
import { rounds } from "../support/slow.js";

const CI_ROUNDS = rounds(2, 200, "CI_ROUNDS");

describe("a CI machine with a lasting home", () => {
  it(
    "is not alarmed by branches, pull requests, squashes, force pushes and reverts of others",
    async () => {
      const project = await Project.make();
      const { box } = project;
      let value = "one";
      expect(await project.job("refs/heads/main")).toBe(value);
      for (let round = 0; round < CI_ROUNDS; round++) {
        // A pull request that changes the vault, made from main.
        box.git("checkout", "--quiet", "-b", "change", "main");
        await box.set("stripe/api-key", `change ${round}`);
        box.git("push", "--quiet", "--force", "origin", "change", "change:refs/pull/1/head");
        expect(await project.job("refs/pull/1/head")).toBe(`change ${round}`);
        // Another one, beside it.
        box.git("checkout", "--quiet", "-b", "other", "main");
        await box.set("db/url", `other ${round}`);
        box.git("push", "--quiet", "--force", "origin", "other:refs/pull/2/head");
        expect(await project.job("refs/pull/2/head")).toBe(value);
        expect(await project.job("refs/heads/main")).toBe(value);
        // Colleagues push code, and the author of the second drops the commit.
        box.git("checkout", "--quiet", "main");
        project.code(`${round}\n`);
        box.git("push", "--quiet", "origin", "main", "+main:refs/pull/2/head");
        expect(await project.job("refs/pull/2/head")).toBe(value);
        // The first is squashed into main, and the branch is deleted.
        box.git("merge", "--quiet", "--squash", "change");
        box.git("commit", "--quiet", "--message", "Squashed");
        box.git("push", "--quiet", "origin", "main", ":change", ":refs/pull/1/head");
        value = `change ${round}`;
        expect(await project.job("refs/heads/main")).toBe(value);
        box.git("tag", `v${round}`);
        box.git("push", "--quiet", "origin", `v${round}`);
        expect(await project.job(`refs/tags/v${round}`)).toBe(value);
        for (const branch of ["change", "other"]) box.git("branch", "--quiet", "-D", branch);
      }
      // A tag at an old state is what it says.
      expect(await project.job("refs/tags/v0")).toBe("change 0");
    },
    CI_ROUNDS * 20_000,
  );

  /** Main is at the second state of the three that this gives, and the machine has seen it. */
  async function seen(): Promise<{ project: Project; old: string; unmerged: string }> {
    const project = await Project.make();
    const { box } = project;
    const old = box.git("rev-parse", "HEAD").trim();
    await set(box.context(), { vault: box.vault, path: "stripe/api-key", value: Buffer.from("two") });
    box.git("push", "--quiet", "origin", "main");
    box.git("checkout", "--quiet", "-b", "unmerged", old);
    for (const value of ["a", "b", "c"]) await box.set("stripe/api-key", value);
    const unmerged = box.git("rev-parse", "HEAD").trim();
    box.git("checkout", "--quiet", "main");
    box.git("push", "--quiet", "origin", "unmerged");
    expect(await project.job("refs/heads/main")).toBe("two");
    return { project, old, unmerged };
  }

  it.each<[string, (project: Project, ids: { old: string; unmerged: string }) => string, string]>([
    [
      "rolls main back",
      ({ box, remote }, { old }) => (box.gitIn(remote, "update-ref", "refs/heads/main", old), "refs/heads/main"),
      "ROLLBACK",
    ],
    [
      "renames the default branch to an old commit",
      ({ box, remote }, { old }) => {
        box.gitIn(remote, "update-ref", "refs/heads/trunk", old);
        box.gitIn(remote, "symbolic-ref", "HEAD", "refs/heads/trunk");
        box.gitIn(remote, "update-ref", "-d", "refs/heads/main");
        return "refs/heads/trunk";
      },
      "ROLLBACK",
    ],
    ["deletes main", ({ box, remote }) => (box.gitIn(remote, "update-ref", "-d", "refs/heads/main"), "refs/heads/unmerged"), "ROLLBACK"],
    [
      "makes main an unmerged branch with a higher sequence, and withholds what lies between",
      ({ box, remote }, { unmerged }) => (box.gitIn(remote, "update-ref", "refs/heads/main", unmerged), "refs/heads/main"),
      "FORKED",
    ],
  ])("is alarmed where the host %s", async (_what, attack, code) => {
    const { project, ...ids } = await seen();
    const ref = attack(project, ids);
    expect(await project.job(ref)).toBe(code);
  });

  it("denies by main's policy what a branch at an old commit would allow", async () => {
    const { project } = await seen();
    const { box } = project;
    box.git("checkout", "--quiet", "-b", "open");
    box.git("push", "--quiet", "origin", "open");
    box.git("checkout", "--quiet", "main");
    box.write(".agent-vault/policy.yaml", 'version: 1\nrules:\n  - secrets: "**"\n    allow: {actions: get}\n');
    await box.sign();
    box.git("push", "--quiet", "origin", "main");
    const clone = project.checkout("refs/heads/open");
    const outcome = await box.cli(["run", "--secret", "stripe/api-key=K", "--", "true"], {
      cwd: clone,
      env: { HOME: join(box.root, "ci-home"), CI: "true", AGENT_VAULT_KEY: join(box.root, "bot.key") },
    });
    expect([outcome.code, /\[(\w+)\]/.exec(outcome.stderr)?.[1]]).toEqual([6, "POLICY_DENIED"]);
  });

  it("reads nothing on a branch with the key of an agent that main has removed", async () => {
    const { project } = await seen();
    const { box } = project;
    box.git("branch", "before");
    box.git("push", "--quiet", "origin", "before");
    await removeAgent(box.context(), { vault: box.vault, agent: "bot" });
    box.git("push", "--quiet", "origin", "main");
    expect(await project.job("refs/heads/before")).toBe("NOT_AUTHORIZED");
  });
});

describe("a clone of a person", () => {
  it("is where it was after a read: branch, tracking ref, index, files and FETCH_HEAD", async () => {
    const { box } = await Project.make();
    const clone = join(box.root, "clone");
    box.gitIn(box.root, "clone", "--quiet", join(box.root, "remote.git"), clone);
    await box.set("stripe/api-key", "two");
    box.write("deploy.sh", "of the host\n");
    box.git("add", "deploy.sh");
    box.git("commit", "--quiet", "--message", "Code");
    box.git("push", "--quiet", "origin", "main");
    const look = () => [box.gitIn(clone, "for-each-ref", "refs/heads", "refs/remotes"), box.gitIn(clone, "status", "--porcelain")];
    const before = look();
    expect(await box.ok("-C", clone, "get", "stripe/api-key")).toBe("two");
    expect(look()).toEqual(before);
    expect([existsSync(join(clone, "deploy.sh")), existsSync(join(clone, ".git/FETCH_HEAD"))]).toEqual([false, false]);
    // What the person has not seen is not overwritten by a push with a lease.
    writeFileSync(join(clone, "app.js"), "mine\n");
    box.gitIn(clone, "commit", "--quiet", "--all", "--amend", "--message", "Mine");
    expect(() => box.gitIn(clone, "push", "--quiet", "--force-with-lease", "origin", "main")).toThrow();
  });

  it("is no way to sign what the host rolled back, where the owner published by plain git push", async () => {
    const { box } = await Project.make();
    const before = box.git("rev-parse", "HEAD").trim();
    await revoke(box.context(), { vault: box.vault, agent: "bot", target: "stripe" });
    box.git("push", "--quiet", "origin", "main");
    box.gitIn(join(box.root, "remote.git"), "update-ref", "refs/heads/main", before);
    const fresh = join(box.root, "fresh");
    box.gitIn(box.root, "clone", "--quiet", join(box.root, "remote.git"), fresh);
    const signing = sign(box.context({ cwd: fresh }), { vault: join(fresh, ".agent-vault"), approve: () => true });
    expect(await signing.catch((error: unknown) => (error as VaultError).code)).toBe("ROLLBACK");
    for (const words of [
      ["set", "x/y", "--generate"],
      ["grant", "bot", "stripe"],
    ]) {
      const outcome = await box.cli(["-C", fresh, ...words]);
      expect([words[0], outcome.code, /\[(\w+)\]/.exec(outcome.stderr)?.[1]]).toEqual([words[0], 5, "ROLLBACK"]);
    }
  });

  it("pushes nothing that a revert took back", async () => {
    const { box } = await Project.make();
    await grant(box.context(), { vault: box.vault, agent: "bot", target: "stripe" }).catch(() => {});
    await box.set("a/c", "x");
    await box.ok("sync");
    box.git("revert", "--no-edit", "HEAD");
    const outcome = await box.cli(["sync"]);
    expect([outcome.code, /\[(\w+)\]/.exec(outcome.stderr)?.[1]]).toEqual([5, "ROLLBACK"]);
    expect(box.gitIn(join(box.root, "remote.git"), "rev-parse", "main")).toBe(box.git("rev-parse", "HEAD~1"));
    // Reading goes on with the newest.
    expect(await box.ok("get", "a/c")).toBe("x");
  });
});
