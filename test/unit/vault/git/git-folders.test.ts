import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findGitFolders, mayHaveRemote } from "#vault/git/git-folders.js";
import { Sandbox } from "../../../support/sandbox.js";

const inGit = (box: Sandbox, folder: string, ...args: string[]) => box.gitIn(folder, "rev-parse", "--path-format=absolute", ...args).trim();

it("a repository's folders are those that git names, also in a linked work tree and in a submodule", () => {
  const box = new Sandbox();
  box.git("commit", "--quiet", "--allow-empty", "-m", "first");
  const linked = join(box.root, "linked");
  box.git("worktree", "add", "--quiet", linked);
  const outer = join(box.root, "outer");
  box.gitIn(box.root, "init", "--quiet", outer);
  box.gitIn(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", box.repository, "inner");
  for (const workTree of [box.repository, linked, join(outer, "inner")]) {
    const deep = join(workTree, "a", "b");
    mkdirSync(deep, { recursive: true });
    expect(findGitFolders(deep)).toEqual({
      workTree,
      gitDir: inGit(box, deep, "--git-dir"),
      commonDir: inGit(box, deep, "--git-common-dir"),
    });
  }
});

it("there are none outside of a repository", () => {
  expect(findGitFolders(new Sandbox({ git: false }).repository)).toBe(undefined);
});

it("a .git that cannot be understood ends the search, and is left to git", () => {
  const box = new Sandbox();
  box.write("inner/.git", "nonsense");
  const inner = join(box.repository, "inner");
  expect(findGitFolders(inner)?.workTree).toBe(inner);
  expect(mayHaveRemote(inner)).toBe(true);
});

it("a remote is found in the configuration that all work trees share", () => {
  const box = new Sandbox();
  box.git("commit", "--quiet", "--allow-empty", "-m", "first");
  const linked = join(box.root, "linked");
  box.git("worktree", "add", "--quiet", linked);
  expect([mayHaveRemote(box.repository), mayHaveRemote(linked)]).toEqual([false, false]);
  box.git("remote", "add", "origin", "nowhere");
  expect([mayHaveRemote(box.repository), mayHaveRemote(linked)]).toEqual([true, true]);
});
