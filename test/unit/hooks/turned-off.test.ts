import { chmodSync, renameSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hookTurnedOff, installHook, uninstallHook } from "@agent-vault/hooks";
import { ageIdentity } from "./keys.js";
import { scanProgram } from "./program.js";
import { TestRepository } from "./repository.js";

let program: Awaited<ReturnType<typeof scanProgram>>;
let identity: string;
beforeAll(async () => {
  program = await scanProgram();
  identity = await ageIdentity();
});
afterAll(() => program.remove());

const install = (repository: TestRepository) =>
  installHook(repository.context, repository.root, { command: program.command, gitVersion: "2.39.5" });
const turnedOff = (repository: TestRepository) => hookTurnedOff(repository.context, repository.root);

describe("what goes around the hook", () => {
  test("a merge is checked before git commits it", async () => {
    using repository = new TestRepository();
    repository.stage("a.txt", "a\n");
    repository.commit();
    repository.git("checkout", "--quiet", "-b", "side");
    repository.stage("leak.txt", identity);
    repository.commit();
    repository.git("checkout", "--quiet", "-");
    repository.stage("b.txt", "b\n");
    repository.commit();
    await install(repository);
    const merge = repository.tryGit(["merge", "--no-edit", "side"]);
    expect(merge.code).not.toBe(0);
    expect(merge.output).toContain("leak.txt:1 holds an age identity.");
    await uninstallHook(repository.context, repository.root, { gitVersion: "2.39.5" });
    expect(repository.exists(".git/hooks/pre-merge-commit")).toBe(false);
  });

  test.each([
    ["git -c", ["-c", "agent-vault.command=/bin/true"], {}],
    ["the environment", [], { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "agent-vault.command", GIT_CONFIG_VALUE_0: "/bin/true" }],
  ])("another command by %s is not started", async (_, words, env) => {
    using repository = new TestRepository();
    await install(repository);
    repository.stage("leak.txt", identity);
    const commit = repository.tryGit([...words, "commit", "-m", "leak"], { env: { ...repository.env, ...env } });
    expect(commit.code).not.toBe(0);
    expect(commit.output).toContain("leak.txt:1 holds an age identity.");
  });
});

describe("a hook that was installed and no longer runs", () => {
  test("is none where it runs, was taken out or was never installed", async () => {
    using repository = new TestRepository();
    expect(await turnedOff(repository)).toBeUndefined();
    await install(repository);
    expect(await turnedOff(repository)).toBeUndefined();
    await uninstallHook(repository.context, repository.root, { gitVersion: "2.39.5" });
    expect(await turnedOff(repository)).toBeUndefined();
  });

  test.each([
    ["husky sets another folder of hooks", (repository: TestRepository) => void repository.git("config", "core.hooksPath", ".husky/_")],
    [
      "lefthook puts its own in place",
      (repository: TestRepository) => {
        renameSync(repository.path(".git/hooks/pre-commit"), repository.path(".git/hooks/pre-commit.old"));
        repository.write(".git/hooks/pre-commit", "#!/bin/sh\nlefthook run pre-commit\n");
        chmodSync(repository.path(".git/hooks/pre-commit"), 0o755);
      },
    ],
    ["it is made not executable", (repository: TestRepository) => chmodSync(repository.path(".git/hooks/pre-commit"), 0o644)],
    [
      "hooks are taken from a folder elsewhere",
      (repository: TestRepository) => void repository.git("config", "core.hooksPath", "/elsewhere"),
    ],
  ])("%s", async (_, turnOff) => {
    using repository = new TestRepository();
    await install(repository);
    turnOff(repository);
    expect(await turnedOff(repository)).toMatchObject({ installed: false });
  });

  test("but pre-commit goes on running what it found", async () => {
    using repository = new TestRepository();
    await install(repository);
    renameSync(repository.path(".git/hooks/pre-commit"), repository.path(".git/hooks/pre-commit.legacy"));
    repository.write(".git/hooks/pre-commit", "#!/bin/sh\nexec pre-commit hook-impl\n");
    chmodSync(repository.path(".git/hooks/pre-commit"), 0o755);
    expect(await turnedOff(repository)).toBeUndefined();
  });
});
