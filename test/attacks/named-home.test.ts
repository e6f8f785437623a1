import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sign } from "#vault/index.js";
import { readFetchRecord } from "#vault/sync/fetch-record.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { Project } from "../support/project.js";

/** A state whose `config.yaml` has these settings of `sync`. */
async function signedWith({ box }: Project, sync: Readonly<Record<string, string>>): Promise<void> {
  const file = join(box.vault, "config.yaml");
  const before = readFileSync(file, "utf8").replace(/settings:\n(?: .*\n)*/, "");
  const lines = Object.entries(sync).map(([name, value]) => `    ${name}: ${value}\n`);
  writeFileSync(file, `${before}settings:\n  sync:\n${lines.join("")}`);
  await sign(box.context(), { vault: box.vault, approve: () => true });
}

const homeIn = (clone: string) => readFetchRecord(join(clone, ".agent-vault"))?.home?.ref;

describe("which branch is home", () => {
  it("is not said by the branch that is read, whether or not the machine knows the vault", async () => {
    const project = await Project.make();
    const { box } = project;
    await signedWith(project, { branch: "attacker", remote: "attacker" });
    box.git("push", "--quiet", "origin", "main:attacker");
    await signedWith(project, { branch: "main" });
    box.git("push", "--quiet", "origin", "main");
    for (const isKnown of [false, true]) {
      if (isKnown) await project.job("refs/heads/main");
      const clone = project.checkout("refs/heads/attacker");
      box.gitIn(clone, "remote", "add", "attacker", `file://${project.remote}`);
      await project.read(clone);
      expect([isKnown, homeIn(clone)]).toEqual([isKnown, "refs/heads/main"]);
      rmSync(project.home, { recursive: true });
    }
  });

  it("is said by home, once the branch has all that was seen there", async () => {
    const project = await Project.make();
    const { box } = project;
    box.git("push", "--quiet", "origin", "main:release");
    const clone = project.checkout("refs/heads/main");
    await project.read(clone);
    await signedWith(project, { branch: "release" });
    box.git("push", "--quiet", "origin", "main");
    const homeAfter = async () => {
      setLastAsked(clone);
      expect(await project.read(clone)).toBe("one");
      setLastAsked(clone);
      await project.read(clone);
      return homeIn(clone);
    };
    expect(await homeAfter()).toBe("refs/heads/main");
    box.git("push", "--quiet", "origin", "main:release");
    expect(await homeAfter()).toBe("refs/heads/release");
    // At first sight as well, by what was fetched of the default branch and verified.
    rmSync(project.home, { recursive: true });
    const other = project.checkout("refs/heads/main");
    await project.read(other);
    expect(homeIn(other)).toBe("refs/heads/release");
  });

  it("is asked of the remote that home names, where a branch follows none", async () => {
    const project = await Project.make();
    const { box } = project;
    await signedWith(project, { remote: "upstream" });
    box.git("push", "--quiet", "origin", "main");
    const clone = project.checkout("refs/heads/main");
    await project.read(clone);
    const fork = join(box.root, "fork.git");
    box.gitIn(box.root, "clone", "--quiet", "--bare", `file://${project.remote}`, fork);
    box.gitIn(clone, "remote", "rename", "origin", "upstream");
    box.gitIn(clone, "remote", "add", "origin", `file://${fork}`);
    await project.read(clone);
    expect(readFetchRecord(join(clone, ".agent-vault"))?.remote).toContain("remote.git");
  });
});
