import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { set, sync } from "#vault/index.js";
import { Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

/** Two clones of one owner's repository, with code beside the vault. */
async function pair(): Promise<{ box: Sandbox; clone: string; syncClone: () => ReturnType<typeof sync> }> {
  const box = new Sandbox();
  await makeVault(box, { "stripe/api-key": "one" });
  box.write("app.js", "1\n2\n3\n4\n5\n");
  box.git("add", "app.js");
  box.git("commit", "--quiet", "--message", "Code");
  const remote = box.addRemote();
  const clone = join(box.root, "clone");
  box.gitIn(box.root, "clone", "--quiet", remote, clone);
  return { box, clone, syncClone: () => sync(box.context({ cwd: clone }), join(clone, ".agent-vault")) };
}

function code(box: Sandbox, folder: string, file: string, text: string): void {
  writeFileSync(join(folder, file), text);
  box.gitIn(folder, "add", file);
  box.gitIn(folder, "commit", "--quiet", "--message", `Code in ${file}`);
}

describe("sync, where only one side changed the vault", () => {
  it.each(["false", "true"])("joins a colleague's code with a change here, with pull.rebase %s", async (rebase) => {
    const { box, clone, syncClone } = await pair();
    box.gitIn(clone, "config", "pull.rebase", rebase);
    await set(box.context({ cwd: clone }), { vault: join(clone, ".agent-vault"), path: "a/b", value: Buffer.from("mine") });
    code(box, clone, "mine.js", "mine\n");
    code(box, box.repository, "theirs.js", "theirs\n");
    box.git("push", "--quiet");
    writeFileSync(join(clone, "draft.txt"), "not committed\n");
    const result = await syncClone();
    expect([result.pulled, result.pushed > 0]).toEqual([1, true]);
    for (const [file, text] of [
      ["mine.js", "mine\n"],
      ["theirs.js", "theirs\n"],
      ["draft.txt", "not committed\n"],
    ])
      expect(readFileSync(join(clone, file!), "utf8")).toBe(text);
    expect(box.gitIn(clone, "rev-list", "--merges", "--count", "HEAD").trim()).toBe(rebase === "true" ? "0" : "1");
    expect(box.gitIn(clone, "status", "--porcelain")).toBe("?? draft.txt\n");
    expect(box.gitIn(join(box.root, "remote.git"), "rev-parse", "main")).toBe(box.gitIn(clone, "rev-parse", "HEAD"));
    box.git("pull", "--quiet");
    expect(await box.ok("get", "a/b")).toBe("mine");
    expect(await box.ok("verify")).toContain("No problems found");
  });

  it("takes the vault of the remote under the code that was written here", async () => {
    const { box, clone, syncClone } = await pair();
    code(box, clone, "mine.js", "mine\n");
    await box.set("stripe/api-key", "two");
    box.git("push", "--quiet");
    expect(await syncClone()).toMatchObject({ pulled: 1 });
    expect(await box.ok("-C", clone, "get", "stripe/api-key", "--no-pull")).toBe("two");
  });

  it("touches nothing where the code conflicts, and names the files", async () => {
    const { box, clone, syncClone } = await pair();
    await set(box.context({ cwd: clone }), { vault: join(clone, ".agent-vault"), path: "a/b", value: Buffer.from("mine") });
    code(box, clone, "app.js", "mine\n");
    code(box, box.repository, "app.js", "theirs\n");
    box.git("push", "--quiet");
    const look = () => [
      box.gitIn(clone, "for-each-ref", "refs/heads"),
      box.gitIn(clone, "status", "--porcelain"),
      box.gitIn(clone, "ls-files", "--stage"),
    ];
    const before = look();
    await expect(syncClone()).rejects.toMatchObject({ code: "CONFLICT", message: expect.stringContaining("app.js") as string });
    expect(look()).toEqual(before);
  });
});
