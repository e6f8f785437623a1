import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openUse } from "#runner/index.js";
import { findVault, removeAgent, revoke } from "#vault/index.js";
import { parseSecretPath } from "#vault/format/names.js";
import { outcomeOf, Project } from "../support/project.js";

const SECRET = parseSecretPath("stripe/api-key");

/** What a job gets by `run`: the value, or the code of the error. */
function use(project: Project, clone: string, pull = true): Promise<string> {
  return outcomeOf(async () => {
    const opened = await openUse(project.context(clone), {
      root: findVault(project.context(clone)),
      key: project.key,
      pull,
      action: "run",
      command: ["deploy"],
      secrets: [SECRET],
      approver: { ask: () => Promise.reject(new Error("asked")) },
    });
    await opened.end({ outcome: "done" });
    return Buffer.from(opened.values.get(SECRET)!).toString();
  });
}

/** The files in which the CI machine keeps what judges. */
function rulesFiles({ home }: Project): string[] {
  const files = readdirSync(join(home, "trust"), { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".rules")).map((file) => join(home, "trust", file));
}

/**
 * A depth-1 checkout of a branch at an old commit on a machine that has read main since, and cannot reach the remote any more.
 * @param change what the owner does on main after the branch was made
 */
async function oldCheckout(change: (project: Project) => Promise<unknown>): Promise<{ project: Project; clone: string }> {
  const project = await Project.make();
  const { box } = project;
  box.git("push", "--quiet", "origin", "main:old");
  const clone = project.checkout("refs/heads/old");
  await project.job("refs/heads/main");
  await change(project);
  box.git("push", "--quiet", "origin", "main");
  await project.job("refs/heads/main");
  renameSync(project.remote, `${project.remote}.gone`);
  return { project, clone };
}

async function withPolicy({ box }: Project): Promise<void> {
  box.write(".agent-vault/policy.yaml", 'version: 1\nrules:\n  - secrets: "**"\n    allow: {actions: get}\n');
  await box.sign();
}

describe("a checkout of an old state that cannot ask its remote", () => {
  it.each([true, false])("is judged by main's policy as the memory has it (pull: %s)", async (pull) => {
    const { project, clone } = await oldCheckout(withPolicy);
    expect(await use(project, clone, pull)).toBe("POLICY_DENIED");
  });

  it("is judged by what main says of the secret", async () => {
    const { project, clone } = await oldCheckout(({ box }) => box.set("stripe/api-key", "two", { environment: "production" }));
    await expect(use(project, clone)).rejects.toThrow("asked");
  });

  it("gives nothing to an agent whom main has removed", async () => {
    const { project, clone } = await oldCheckout(({ box }) => removeAgent(box.context(), { vault: box.vault, agent: "bot" }));
    expect([await project.read(clone), await use(project, clone)]).toEqual(["NOT_AUTHORIZED", "NOT_AUTHORIZED"]);
  });

  it("is used as ever where main's rules allow it", async () => {
    const { project, clone } = await oldCheckout(({ box }) => box.set("db/url", "x"));
    expect([await project.read(clone), await use(project, clone)]).toEqual(["one", "one"]);
  });

  it.each<[string, (file: string) => void]>([
    ["gone", (file) => rmSync(file)],
    ["cut off", (file) => writeFileSync(file, readFileSync(file).subarray(0, -9))],
    ["edited", (file) => writeFileSync(file, readFileSync(file, "latin1").replace(/"policy\.yaml":"[^"]*"/, '"policy.yaml":""'))],
    ["without the policy", (file) => writeFileSync(file, readFileSync(file, "latin1").replace(/,"policy\.yaml":"[^"]*"/, ""))],
    ["without the secrets", (file) => writeFileSync(file, `${readFileSync(file, "latin1").split("\n")[0]}\n{"trees":{},"files":{}}\n`)],
    ["no file of ours", (file) => writeFileSync(file, "null\n")],
  ])("is refused where the memory of main's rules is %s, and judged again once main was read", async (_what, damage) => {
    const { project, clone } = await oldCheckout(withPolicy);
    const [file, ...more] = rulesFiles(project);
    expect(more).toEqual([]);
    damage(file!);
    expect(await use(project, clone)).toBe("ROLLBACK");
    renameSync(`${project.remote}.gone`, project.remote);
    await project.job("refs/heads/main");
    renameSync(project.remote, `${project.remote}.gone`);
    expect(await use(project, clone)).toBe("POLICY_DENIED");
  });

  it("is refused where the memory has another state's rules in their place", async () => {
    const { project, clone } = await oldCheckout(async (made) => {
      await withPolicy(made);
      made.box.git("push", "--quiet", "origin", "main");
      await made.job("refs/heads/main");
      await revoke(made.box.context(), { vault: made.box.vault, agent: "bot", target: "stripe" });
    });
    const [newest] = rulesFiles(project);
    expect(await use(project, clone)).toBe("POLICY_DENIED");
    // What a backup of the home folder has brought back.
    const text = readFileSync(newest!, "latin1");
    const older = text.replace(/"vault\.lock":"[^"]*"/, (entry) => entry.replace(/"[^"]*"$/, '"AAAA"'));
    writeFileSync(newest!, older);
    expect(await use(project, clone)).toBe("ROLLBACK");
  });
});

describe("what a machine keeps of main's rules", () => {
  it("is the newest state's alone, and comes with a read of any branch", async () => {
    const project = await Project.make();
    const { box } = project;
    box.git("push", "--quiet", "origin", "main:old");
    await project.job("refs/heads/main");
    const [first] = rulesFiles(project);
    await box.set("db/url", "x");
    box.git("push", "--quiet", "origin", "main");
    await project.job("refs/heads/old");
    const [second, ...more] = rulesFiles(project);
    expect([second === first, more]).toEqual([false, []]);
  });
});
