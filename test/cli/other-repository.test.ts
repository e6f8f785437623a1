import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Sandbox } from "../support/sandbox.js";
import { ageIdentity } from "../unit/hooks/keys.js";

/** A sandbox with another repository, and the variables that name it. */
function besideAnother(): { box: Sandbox; other: string; env: Record<string, string> } {
  const box = new Sandbox();
  const other = join(box.root, "other");
  mkdirSync(other);
  box.gitIn(other, "init", "--quiet", "--template=");
  return { box, other, env: { GIT_DIR: join(other, ".git"), GIT_WORK_TREE: other } };
}

const HOOK = ".git/hooks/pre-commit";

describe("variables that name another repository", () => {
  it.each([false, true])("leave the vault and its hook in the vault's own (with another index: %s)", async (withIndex) => {
    const { box, other, env } = besideAnother();
    const index = withIndex ? { GIT_INDEX_FILE: join(other, ".git/index") } : {};
    const created = await box.cli(["init", "--json"], { env: { ...env, ...index } });
    expect(created.code, created.stderr).toBe(0);
    expect([existsSync(join(box.repository, HOOK)), existsSync(join(other, HOOK))]).toEqual([true, false]);
    expect(box.git("ls-files", ".agent-vault/manifest.yaml").trim()).toBe(".agent-vault/manifest.yaml");
    const { stdout } = await box.cli(["doctor", "--json"], { env: { ...env, ...index, CLAUDECODE: "" } });
    const found = JSON.parse(stdout.toString()) as { subject: string; state: string; message: string }[];
    expect(found.find(({ subject }) => subject === "hook")).toMatchObject({ state: "ok" });
    expect(found.find(({ subject }) => subject === "repository")!.message).toContain(box.repository);
  });

  it("leave the hook in the repository of the folder, for every hook command", async () => {
    const { box, other, env } = besideAnother();
    const status = async () =>
      (JSON.parse((await box.cli(["hook", "status", "--json"], { env })).stdout.toString()) as { installed: boolean }).installed;
    await box.cli(["hook", "install"], { env });
    expect([existsSync(join(box.repository, HOOK)), existsSync(join(other, HOOK)), await status()]).toEqual([true, false, true]);
    await box.cli(["hook", "uninstall"], { env });
    expect([existsSync(join(box.repository, HOOK)), await status()]).toEqual([false, false]);
  });

  it("do not hide from scan what the folder's own repository is about to commit", async () => {
    const { box, env } = besideAnother();
    await box.ok("init", "--no-hook");
    box.write(join(box.repository, "leak"), `${await ageIdentity()}\n`);
    const key = await box.cli(["scan", "leak"], { env });
    expect(key.code, key.stdout.toString()).toBe(5);
    box.git("add", "leak");
    for (const words of [["scan", "--staged"], ["scan"]]) {
      const { code, stdout } = await box.cli(words, { env });
      expect([code, stdout.toString()]).toEqual([5, expect.stringContaining("leak")]);
    }
  });
});
