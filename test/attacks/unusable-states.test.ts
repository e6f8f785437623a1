import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSecret } from "#vault/index.js";
import { setLastAsked } from "../support/memory-and-clock.js";
import { outcomeOf, Project } from "../support/project.js";

/** Main, where a host has merged a pull request: the lock is of one side and the secret of the other. @returns the merge */
async function halfMerged(project: Project): Promise<string> {
  const { box } = project;
  box.git("checkout", "--quiet", "-b", "theirs");
  await box.set("db/url", "theirs");
  box.git("checkout", "--quiet", "main");
  await box.set("stripe/api-key", "two");
  box.git("push", "--quiet", "origin", "main");
  await project.job("refs/heads/main");
  box.git("merge", "--quiet", "--no-commit", "--strategy=ours", "theirs");
  box.git("checkout", "--quiet", "theirs", "--", ".agent-vault/secrets/stripe");
  box.git("commit", "--quiet", "--message", "Merge pull request");
  return box.git("rev-parse", "HEAD").trim();
}

/** What a person who is not strict reads. */
function read(project: Project, clone: string, warnings: string[], env: Record<string, string> = {}): Promise<string> {
  return outcomeOf(async () => {
    const context = project.box.context({
      ...project.context(clone, warnings),
      env: { ...project.box.env, HOME: project.home, CI: "", ...env },
    });
    const { value } = await readSecret(context, join(clone, ".agent-vault"), "stripe/api-key", { key: project.key });
    return Buffer.from(value).toString();
  });
}

describe("a merge by a host that nobody signed", () => {
  it("is passed over for the newest state behind it, with a warning that names it", async () => {
    const project = await Project.make();
    const merge = await halfMerged(project);
    project.box.git("push", "--quiet", "origin", "main", "main:release");
    const warnings: string[] = [];
    expect(await read(project, cloneOf(project), warnings)).toBe("two");
    expect(warnings.join("\n")).toContain(merge.slice(0, 12));
    // A checkout of the merge alone has nothing behind it.
    expect(await read(project, project.checkout("refs/heads/main"), [])).toBe("TAMPERED");
  });

  it("is an error in strict mode on main, and passed over on another branch", async () => {
    const project = await Project.make();
    await halfMerged(project);
    project.box.git("push", "--quiet", "origin", "main:release");
    const clone = cloneOf(project, "release");
    expect(await read(project, clone, [], { AGENT_VAULT_STRICT: "1" })).toBe("two");
    project.box.git("push", "--quiet", "origin", "main");
    const fresh = cloneOf(project);
    expect(await read(project, fresh, [], { AGENT_VAULT_STRICT: "1" })).toBe("TAMPERED");
  });

  it("is no way back to a state before the one that was seen", async () => {
    const project = await Project.make();
    const { box } = project;
    box.git("branch", "old");
    await halfMerged(project);
    const tree = box.git("rev-parse", "HEAD^{tree}").trim();
    // The same merge, of commits that do not have the newest state behind them.
    box.git("branch", "other", "old");
    const forged = box.git("commit-tree", tree, "-p", "old", "-p", "theirs", "-m", "Merge").trim();
    box.git("push", "--quiet", "--force", "origin", `${forged}:refs/heads/main`);
    expect(await read(project, cloneOf(project), [])).toBe("TAMPERED");
  });
});

describe("a commit that nobody signed, on top of the newest state", () => {
  /** A change by a web editor. @returns the commit */
  function edited(project: Project, change: (vault: string) => void): string {
    change(project.box.vault);
    project.box.git("add", "--all");
    project.box.git("commit", "--quiet", "--message", "Update the vault");
    project.box.git("push", "--quiet", "--force", "origin", "main");
    return project.box.git("rev-parse", "HEAD").trim();
  }
  const secret = (vault: string) => join(vault, "secrets/stripe/api-key.enc");

  it("is passed over, with a warning that names the first of them, and is an error in strict mode", async () => {
    const project = await Project.make();
    await project.job("refs/heads/main");
    const first = edited(project, (vault) => writeFileSync(secret(vault), "edited"));
    edited(project, (vault) => writeFileSync(secret(vault), "edited again"));
    const warnings: string[] = [];
    const clone = cloneOf(project);
    expect(await read(project, clone, warnings)).toBe("one");
    expect(warnings.join("\n")).toContain(first.slice(0, 12));
    expect(await read(project, clone, [], { AGENT_VAULT_STRICT: "1" })).toBe("TAMPERED");
  });

  it("is passed over where it has deleted the vault, and the vault is gone in strict mode", async () => {
    const project = await Project.make();
    const clone = cloneOf(project);
    await read(project, clone, []);
    const commit = edited(project, (vault) => rmSync(vault, { recursive: true }));
    const warnings: string[] = [];
    setLastAsked(clone);
    expect(await read(project, clone, warnings)).toBe("one");
    expect(warnings.join("\n")).toContain(commit.slice(0, 12));
    expect(await read(project, clone, [], { AGENT_VAULT_STRICT: "1" })).toBe("ROLLBACK");
  });

  it("keeps its policy from judging a branch: the one of the state before judges", async () => {
    const project = await Project.make();
    project.box.git("push", "--quiet", "origin", "main:release");
    await read(project, cloneOf(project), []);
    edited(project, (vault) => writeFileSync(join(vault, "manifest.yaml"), "owners: [mallory]\n"));
    const warnings: string[] = [];
    expect(await read(project, cloneOf(project, "release"), warnings)).toBe("one");
  });

  it("is a rollback where it brought an old state back, also as a merge that claims the newest one for its second parent", async () => {
    const project = await Project.make();
    const { box } = project;
    box.git("branch", "old");
    await box.set("stripe/api-key", "two");
    box.git("push", "--quiet", "origin", "main");
    const tree = box.git("rev-parse", "old^{tree}").trim();
    const onTop = box.git("commit-tree", tree, "-p", "main", "-m", "Old files").trim();
    const merge = box.git("commit-tree", tree, "-p", "old", "-p", "main", "-m", "Merge").trim();
    for (const isKnown of [false, true]) {
      if (isKnown) await project.job("refs/heads/main");
      box.git("push", "--quiet", "--force", "origin", `${onTop}:refs/heads/main`);
      expect([isKnown, await read(project, cloneOf(project), [])]).toEqual([isKnown, "ROLLBACK"]);
      box.git("push", "--quiet", "--force", "origin", `${merge}:refs/heads/main`);
      expect([isKnown, await read(project, cloneOf(project), [])]).toEqual([isKnown, "two"]);
      box.git("push", "--quiet", "--force", "origin", "main");
    }
  });
});

describe("a work tree whose vault is not what was signed", () => {
  it("is passed over for what is committed, with a warning", async () => {
    const project = await Project.make();
    const clone = cloneOf(project);
    await project.job("refs/heads/main");
    const warnings: string[] = [];
    expect(await read(project, clone, warnings)).toBe("one");
    writeFileSync(join(clone, ".agent-vault/secrets/stripe/api-key.enc"), "edited");
    expect([await read(project, clone, warnings), warnings.length]).toEqual(["one", 1]);
  });

  it("is passed over while a merge is under way, also without a remote", async () => {
    const { box } = await Project.make();
    box.git("remote", "remove", "origin");
    box.git("checkout", "--quiet", "-b", "theirs");
    await box.set("stripe/api-key", "theirs");
    box.git("checkout", "--quiet", "main");
    await box.set("stripe/api-key", "ours");
    expect(() => box.git("-c", "merge.agent-vault.driver=false", "merge", "--quiet", "theirs")).toThrow();
    // As git leaves it where there is no driver.
    writeFileSync(join(box.vault, "vault.lock"), "<<<<<<< HEAD\nversion: 1\n=======\nversion: 1\n>>>>>>> theirs\n");
    const context = box.context();
    const { value } = await readSecret(context, box.vault, "stripe/api-key");
    expect([Buffer.from(value).toString(), context.warnings.length]).toEqual(["ours", 1]);
    box.git("merge", "--abort");
    expect((await readSecret(context, box.vault, "stripe/api-key")).value).toEqual(value);
    expect(context.warnings.length).toBe(1);
  });
});

function cloneOf({ box, remote }: Project, branch = "main"): string {
  const clone = join(box.root, `clone-of-${branch}-${Math.random()}`);
  box.gitIn(box.root, "clone", "--quiet", "--branch", branch, `file://${remote}`, clone);
  return clone;
}
