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
  expect(mayHaveRemote(box.context(), inner)).toBe(true);
});

it("a remote is found in the configuration that all work trees share", () => {
  const box = new Sandbox();
  box.git("commit", "--quiet", "--allow-empty", "-m", "first");
  const linked = join(box.root, "linked");
  box.git("worktree", "add", "--quiet", linked);
  expect([mayHaveRemote(box.context(), box.repository), mayHaveRemote(box.context(), linked)]).toEqual([false, false]);
  box.git("remote", "add", "origin", "nowhere");
  expect([mayHaveRemote(box.context(), box.repository), mayHaveRemote(box.context(), linked)]).toEqual([true, true]);
});

it.each([
  '[Remote "origin"]\n\turl = nowhere',
  '[remote\t"origin"]\n\turl = nowhere',
  '[core]\tbare = false\n[REMOTE    "origin"] url = nowhere',
  "[include]\n\tpath = elsewhere",
  '[includeIf "gitdir:/"]\n\tpath = elsewhere',
  "[extensions]\n\tworktreeConfig = true",
])("a remote may come from %j, in the repository's configuration or the person's", (config) => {
  const box = new Sandbox();
  expect(mayHaveRemote(box.context(), box.repository)).toBe(false);
  box.write(".git/config", `[core]\n\trepositoryformatversion = 0\n${config}\n`);
  expect(mayHaveRemote(box.context(), box.repository)).toBe(true);
  box.write(".git/config", "[core]\n\trepositoryformatversion = 0\n");
  const { GIT_CONFIG_GLOBAL: _, ...env } = box.env;
  for (const file of [".gitconfig", ".config/git/config"]) {
    const home = join(box.root, `home-of-${file.length}`);
    box.write(join(home, file), config);
    expect(mayHaveRemote({ ...box.context(), env: { ...env, HOME: home } }, box.repository)).toBe(true);
  }
  const named = box.write(join(box.root, "named"), config);
  expect(mayHaveRemote({ ...box.context(), env: { ...env, GIT_CONFIG_GLOBAL: named } }, box.repository)).toBe(true);
  expect(mayHaveRemote({ ...box.context(), env: { ...env, XDG_CONFIG_HOME: join(box.root, "none") } }, box.repository)).toBe(false);
});

it("a remote may come from the environment", () => {
  const box = new Sandbox();
  const env = { ...box.env, GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "remote.origin.url", GIT_CONFIG_VALUE_0: "nowhere" };
  expect(mayHaveRemote({ ...box.context(), env }, box.repository)).toBe(true);
});
