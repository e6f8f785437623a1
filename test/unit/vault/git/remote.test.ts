import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { VaultError } from "#vault/index.js";
import type { GitErrorKind } from "#vault/git/errors.js";
import { fetchBlobs, missingFiles, type WantedFiles } from "#vault/git/fetch-objects.js";
import { fetchRefs, ownRef } from "#vault/git/fetch-refs.js";
import { isFullRef, type FullRef } from "#vault/git/full-ref.js";
import { pushCommit } from "#vault/git/push-commit.js";
import { listRemote } from "#vault/git/remote-refs.js";
import { GitRepository } from "#vault/git/repository.js";
import { cannot } from "../../../support/programs.js";
import { Sandbox } from "../../../support/sandbox.js";

/** A clone and its remote, a real bare repository with one commit in main. */
class Pair {
  readonly box: Sandbox;
  readonly remote: string;
  readonly main = ownRef("remote", "refs/heads/main");

  constructor(objectFormat = "sha1") {
    this.box = new Sandbox({ git: false });
    this.remote = join(this.box.root, "remote.git");
    this.box.git("init", "--quiet", `--object-format=${objectFormat}`, this.box.repository);
    this.box.git("init", "--quiet", "--bare", `--object-format=${objectFormat}`, this.remote);
    this.box.git("remote", "add", "origin", this.remote);
    this.commit("first");
    this.box.git("push", "--quiet", "--set-upstream", "origin", "main");
  }

  repository(folder = this.box.repository): Promise<GitRepository> {
    return GitRepository.find(this.box.context(), folder);
  }

  /** A shallow clone of the remote, and a work tree linked to the repository. */
  addFolders(): { readonly shallow: string; readonly linked: string } {
    const [shallow, linked] = [join(this.box.root, "shallow"), join(this.box.root, "linked")];
    this.commit("second");
    this.box.git("push", "--quiet");
    this.box.git("clone", "--quiet", "--depth=1", `file://${this.remote}`, shallow);
    this.box.git("worktree", "add", "--quiet", linked);
    return { shallow, linked };
  }

  commit(message: string): string {
    this.box.git("commit", "--quiet", "--allow-empty", "--message", message);
    return this.idOf("HEAD");
  }

  /** A commit that the remote alone has. */
  offer(ref: string, parent = "main"): string {
    const id = this.onRemote("commit-tree", "-p", parent, "-m", `for ${ref}`, `${parent}^{tree}`);
    this.onRemote("update-ref", ref, id);
    return id;
  }

  idOf(revision: string): string {
    return this.box.git("rev-parse", "--verify", revision).trim();
  }

  onRemote(...args: string[]): string {
    return this.box.gitIn(this.remote, ...args).trim();
  }

  refs(): string {
    return this.box.git("for-each-ref", "--format=%(objectname) %(refname)");
  }

  hook(gitDir: string, name: string, script: string): void {
    const file = join(gitDir, "hooks", name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }
}

/** The kind of error in which this ends. */
async function kindOf(work: Promise<unknown>): Promise<GitErrorKind | undefined> {
  const error: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error === undefined) return undefined;
  expect(error).toBeInstanceOf(VaultError);
  expect((error as VaultError).remedy).toMatch(/\.$/);
  return (error as { kind?: GitErrorKind }).kind;
}

const HOSTILE_REFS = ["heads/HEAD", "tags/HEAD", "heads/FETCH_HEAD", "tags/FETCH_HEAD", "heads/refs/heads/main", "tags/refs/heads/main"];

describe("a fetch of refs by their whole names", () => {
  it("moves these refs and nothing else that the person has", async () => {
    const pair = new Pair();
    const offered = pair.offer("refs/heads/main");
    pair.onRemote("tag", "v1", offered);
    pair.box.git("config", "remote.origin.tagOpt", "--tags");
    pair.box.git("config", "fetch.prune", "true");
    pair.hook(join(pair.box.repository, ".git"), "reference-transaction", "touch ran");
    const before = pair.refs();
    await fetchRefs(await pair.repository(), "origin", [{ from: "refs/heads/main", to: pair.main }]);
    expect(pair.idOf(pair.main)).toBe(offered);
    expect(pair.refs()).toBe(`${offered} ${pair.main}\n${before}`);
    expect(existsSync(join(pair.box.repository, ".git/FETCH_HEAD"))).toBe(false);
    expect(existsSync(join(pair.box.repository, "ran"))).toBe(false);
  });

  it("takes several at once, also back to an older commit and from a URL", async () => {
    const pair = new Pair();
    const first = pair.idOf("HEAD");
    const next = pair.offer("refs/heads/main");
    const pull = pair.offer("refs/pull/1/merge");
    const refs = [
      { from: "refs/heads/main", to: pair.main },
      { from: "refs/pull/1/merge", to: ownRef("remote", "refs/pull/1/merge") },
    ] as const;
    await fetchRefs(await pair.repository(), pair.remote, refs);
    expect([pair.idOf(refs[0].to), pair.idOf(refs[1].to)]).toEqual([next, pull]);
    pair.onRemote("update-ref", "refs/heads/main", first);
    await fetchRefs(await pair.repository(), "origin", refs);
    expect(pair.idOf(pair.main)).toBe(first);
  });

  it("is not misled by tags and branches that have the names of others", async () => {
    const pair = new Pair();
    const offered = pair.offer("refs/heads/main");
    for (const name of [...HOSTILE_REFS, `heads/${offered}`, `tags/${offered}`, "heads/--upload-pack=x"]) pair.offer(`refs/${name}`);
    for (let round = 0; round < 2; round++) {
      await fetchRefs(await pair.repository(), "origin", [{ from: "refs/heads/main", to: pair.main }]);
      expect(pair.idOf(pair.main)).toBe(offered);
    }
  });

  it.each(["heads/refs/heads/main", "tags/refs/heads/main", "refs/heads/main"])(
    "takes no refs/%s for a branch that is gone",
    async (name) => {
      const pair = new Pair();
      const repository = await pair.repository();
      pair.offer(`refs/${name}`);
      pair.onRemote("update-ref", "-d", "refs/heads/main");
      const refs = [{ from: "refs/heads/main", to: pair.main }] as const;
      expect(await kindOf(fetchRefs(repository, "origin", refs))).toBe("noSuchRef");
      expect(await kindOf(fetchRefs(repository, "origin", refs))).toBe("noSuchRef");
      expect(pair.refs()).not.toContain(pair.main);
    },
  );

  it("tells a branch that is gone from a remote that is gone", async () => {
    const pair = new Pair();
    const refs = [{ from: "refs/heads/gone", to: pair.main }] as const;
    expect(await kindOf(fetchRefs(await pair.repository(), "origin", refs))).toBe("noSuchRef");
    expect(await kindOf(fetchRefs(await pair.repository(), join(pair.box.root, "none.git"), refs))).toBe("noSuchRemote");
  });

  it("takes nothing for an option or a pattern", async () => {
    const pair = new Pair();
    const repository = await pair.repository();
    const ran = join(pair.box.root, "ran");
    const refs = [{ from: "refs/heads/main", to: pair.main }] as const;
    await expect(fetchRefs(repository, `--upload-pack=touch ${ran};`, refs)).rejects.toThrow(VaultError);
    for (const from of ["HEAD", "main", "refs/heads/*", "--upload-pack=x", "refs/heads/a:refs/heads/b", pair.idOf("HEAD")] as FullRef[])
      await expect(fetchRefs(repository, "origin", [{ from, to: pair.main }])).rejects.toThrow(TypeError);
    expect(existsSync(ran)).toBe(false);
  });

  it("makes room where a branch became a folder of branches, and back", async () => {
    const pair = new Pair();
    const repository = await pair.repository();
    for (const [name, gone] of [["a"], ["a/b", "a"], ["a", "a/b"]]) {
      if (gone !== undefined) pair.onRemote("update-ref", "-d", `refs/heads/${gone}`);
      const from: FullRef = `refs/heads/${name}`;
      const offered = pair.offer(from);
      await fetchRefs(repository, "origin", [{ from, to: ownRef("remote", from) }]);
      expect(pair.idOf(ownRef("remote", from))).toBe(offered);
    }
  });

  it("works in a shallow clone, a linked work tree and with SHA-256", async () => {
    const pair = new Pair("sha256");
    const { shallow, linked } = pair.addFolders();
    const offered = pair.offer("refs/heads/main");
    for (const folder of [shallow, linked]) {
      await fetchRefs(await pair.repository(folder), "origin", [{ from: "refs/heads/main", to: pair.main }]);
      expect(pair.box.gitIn(folder, "rev-parse", pair.main).trim()).toBe(offered);
    }
    expect(pair.box.gitIn(shallow, "rev-list", "--count", pair.main).trim()).toBe("2");
  });

  it("fetches as many commits as it is told to", async () => {
    const pair = new Pair();
    const own = join(pair.box.root, "own");
    pair.box.git("init", "--quiet", own);
    pair.offer("refs/heads/main");
    const refs = [{ from: "refs/heads/main", to: pair.main }] as const;
    await fetchRefs(await pair.repository(own), `file://${pair.remote}`, refs, { depth: 1 });
    expect(pair.box.gitIn(own, "rev-list", "--count", pair.main).trim()).toBe("1");
  });

  it("gives a silent remote up", async () => {
    const pair = new Pair();
    pair.box.git("config", "remote.origin.uploadpack", "sleep 60;");
    const limits = { silenceMs: 200, totalMs: 60_000 };
    const refs = [{ from: "refs/heads/main", to: pair.main }] as const;
    expect(await kindOf(fetchRefs(await pair.repository(), "origin", refs, { limits }))).toBe("timedOut");
    expect(await kindOf(listRemote(await pair.repository(), "origin", undefined, limits))).toBe("timedOut");
  });

  it.skipIf(cannot(process.platform === "linux", "Only Linux has mounts that are read-only."))(
    "says that git's folder is read-only",
    async () => {
      const pair = new Pair();
      const repository = await pair.repository();
      pair.offer("refs/heads/main");
      const gitDir = join(pair.box.repository, ".git");
      if (!makeReadOnly(gitDir)) return;
      expect(await kindOf(fetchRefs(repository, "origin", [{ from: "refs/heads/main", to: pair.main }]))).toBe("unwritable");
    },
  );
});

/** Root is bound by a mount, others by permissions. */
function makeReadOnly(folder: string): boolean {
  if (process.getuid?.() !== 0) {
    execFileSync("chmod", ["-R", "a-w", folder]);
    onTestFinished(() => void spawnSync("chmod", ["-R", "u+w", folder]));
    return true;
  }
  if (cannot(spawnSync("mount", ["--bind", folder, folder]).status === 0, "Nothing can be mounted here.", false)) return false;
  onTestFinished(() => void spawnSync("umount", [folder]));
  execFileSync("mount", ["-o", "remount,ro,bind", folder]);
  return true;
}

describe("a fetch of the files that a partial clone lacks", () => {
  it("takes them all at once, and only these", async () => {
    const pair = new Pair();
    for (const file of ["code.ts", "v/a", "v/b", "v/secrets/x/c", "v/secrets/y/d"]) pair.box.write(file, `content of ${file}`);
    pair.box.git("add", "--all");
    pair.commit("files");
    pair.box.git("push", "--quiet");
    pair.onRemote("config", "uploadpack.allowFilter", "true");
    const clone = join(pair.box.root, "partial");
    pair.box.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", `file://${pair.remote}`, clone);
    const repository = await pair.repository(clone);
    const lacks = () => pair.box.gitIn(clone, "rev-list", "--objects", "--missing=print", "HEAD").match(/^\?/gm)?.length ?? 0;
    const revision = "HEAD";
    const fetchMissing = async (wanted: WantedFiles) => {
      const missing = missingFiles(repository, wanted);
      await fetchBlobs(repository, "origin", new Set(missing.map(({ id }) => id)));
      return missing.length;
    };
    expect(lacks()).toBe(5);
    expect(await fetchMissing({ revision, paths: ["v/"] })).toBe(2);
    expect(lacks()).toBe(3);
    expect(await fetchMissing({ revision, paths: ["v/secrets/x", "v/none"], recursive: true })).toBe(1);
    expect(await fetchMissing({ revision, paths: ["v"], recursive: true })).toBe(1);
    expect(await fetchMissing({ revision, paths: ["v"], recursive: true })).toBe(0);
    expect(lacks()).toBe(1);
    expect(existsSync(join(clone, ".git/FETCH_HEAD"))).toBe(false);
  });
});

describe("the list of a remote's refs", () => {
  it("has whole names, the branch of its HEAD and no peeled tags", async () => {
    const pair = new Pair();
    const id = pair.idOf("HEAD");
    pair.onRemote("-c", "user.name=x", "-c", "user.email=x@y", "tag", "-a", "-m", "v", "v1", id);
    for (const name of HOSTILE_REFS) pair.onRemote("update-ref", `refs/${name}`, id);
    const { head, refs } = await listRemote(await pair.repository(), "origin");
    expect(head).toBe("refs/heads/main");
    expect([...refs.keys()].toSorted()).toEqual(
      ["refs/heads/main", ...HOSTILE_REFS.map((name) => `refs/${name}`), "refs/tags/v1"].toSorted(),
    );
    expect(refs.get("refs/heads/main")).toBe(id);
    expect(await listRemote(await pair.repository(), "origin", ["refs/heads/main", "refs/heads/gone"])).toEqual({
      head: "refs/heads/main",
      refs: new Map([["refs/heads/main", id]]),
    });
  });

  it("has no head where the remote's is detached or of another name, and takes no other HEAD for it", async () => {
    const pair = new Pair();
    pair.onRemote("update-ref", "--no-deref", "HEAD", pair.idOf("HEAD"));
    pair.onRemote("symbolic-ref", "refs/heads/HEAD", "refs/heads/main");
    expect((await listRemote(await pair.repository(), "origin")).head).toBeUndefined();
    expect((await listRemote(await pair.repository(), "origin", ["refs/heads/main"])).head).toBeUndefined();
  });

  it("names a remote that is gone", async () => {
    const pair = new Pair();
    expect(await kindOf(listRemote(await pair.repository(), join(pair.box.root, "none.git")))).toBe("noSuchRemote");
    expect(await kindOf(listRemote(await pair.repository(), "none"))).toBe("noSuchRemote");
  });
});

describe("a push of one commit", () => {
  it("counts once the remote has it", async () => {
    const pair = new Pair();
    const commit = pair.commit("second");
    pair.box.git("tag", "-a", "-m", "v", "v1");
    pair.box.git("config", "push.followTags", "true");
    expect(await pushCommit(await pair.repository(), "origin", commit, "refs/heads/main")).toBe("pushed");
    expect(pair.onRemote("for-each-ref", "--format=%(objectname) %(refname)")).toBe(`${commit} refs/heads/main`);
    expect(await pushCommit(await pair.repository(), "origin", commit, "refs/heads/main")).toBe("up-to-date");
    expect(await pushCommit(await pair.repository(), pair.remote, commit, "refs/heads/new")).toBe("pushed");
  });

  it("goes to the branch that is meant, whatever else has its name", async () => {
    const pair = new Pair();
    const first = pair.idOf("HEAD");
    for (const name of [...HOSTILE_REFS, `heads/${first}`]) {
      pair.onRemote("update-ref", `refs/${name}`, first);
      pair.box.git("update-ref", `refs/${name}`, first);
    }
    const commit = pair.commit("second");
    pair.box.git("update-ref", `refs/tags/${commit}`, first);
    expect(await pushCommit(await pair.repository(), "origin", commit, "refs/heads/main")).toBe("pushed");
    expect(pair.onRemote("rev-parse", "refs/heads/main")).toBe(commit);
    expect(pair.onRemote("rev-parse", "refs/heads/refs/heads/main")).toBe(first);
    pair.onRemote("update-ref", "-d", "refs/heads/main");
    expect(await pushCommit(await pair.repository(), "origin", commit, "refs/heads/main")).toBe("pushed");
    expect(pair.onRemote("rev-parse", "refs/heads/main")).toBe(commit);
    expect(pair.onRemote("rev-parse", "refs/heads/refs/heads/main")).toBe(first);
    expect(pair.refs()).not.toContain("refs/agent-vault/");
  });

  it("never goes back, nor over what others pushed", async () => {
    const pair = new Pair();
    const first = pair.idOf("HEAD");
    const offered = pair.offer("refs/heads/main");
    const commit = pair.commit("second");
    pair.box.git("config", "remote.origin.push", "+refs/heads/main:refs/heads/main");
    expect(await kindOf(pushCommit(await pair.repository(), "origin", commit, "refs/heads/main"))).toBe("nonFastForward");
    expect(await kindOf(pushCommit(await pair.repository(), "origin", first, "refs/heads/main"))).toBe("nonFastForward");
    expect(pair.onRemote("rev-parse", "refs/heads/main")).toBe(offered);
  });

  it("holds the remote to the commit that is expected there", async () => {
    const pair = new Pair();
    const repository = await pair.repository();
    const first = pair.idOf("HEAD");
    const second = pair.commit("second");
    const third = pair.commit("third");
    expect(await kindOf(pushCommit(repository, "origin", third, "refs/heads/main", { expect: second }))).toBe("nonFastForward");
    expect(await kindOf(pushCommit(repository, "origin", third, "refs/heads/main", { expect: "absent" }))).toBe("nonFastForward");
    expect(await pushCommit(repository, "origin", third, "refs/heads/main", { expect: first })).toBe("pushed");
    expect(await pushCommit(repository, "origin", third, "refs/heads/new", { expect: "absent" })).toBe("pushed");
    // The remote is where it should be, and the commit would throw that away.
    expect(await kindOf(pushCommit(repository, "origin", second, "refs/heads/main", { expect: third }))).toBe("nonFastForward");
    expect(pair.onRemote("rev-parse", "refs/heads/main")).toBe(third);
  });

  const WORDS: readonly (readonly [GitErrorKind, string, string])[] = [
    ["hookDeclined", "the remote's own rules", "echo 'Ask for a ticket first.' >&2"],
    ["hookDeclined", "GitHub's search for secrets", "echo 'error: GH013: Repository rule violations found. GITHUB PUSH PROTECTION' >&2"],
    ["protectedBranch", "GitHub", "echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2"],
    ["protectedBranch", "GitHub's rules", "echo 'error: GH013: Repository rule violations found for refs/heads/main.' >&2"],
    ["protectedBranch", "GitLab", "echo 'GitLab: You are not allowed to push code to protected branches on this project.' >&2"],
    ["protectedBranch", "Gitea", "echo 'Gitea: Not allowed to push to protected branch main' >&2"],
    ["protectedBranch", "Bitbucket", "echo 'Branch refs/heads/main can only be modified through pull requests.' >&2"],
  ];

  it.each(WORDS)("is %s by %s", async (kind, _who, script) => {
    const pair = new Pair();
    const commit = pair.commit("second");
    pair.hook(pair.remote, "pre-receive", `${script}\nexit 1`);
    expect(await kindOf(pushCommit(await pair.repository(), "origin", commit, "refs/heads/main"))).toBe(kind);
  });

  it("names the way by a pull request where a branch is protected", async () => {
    const pair = new Pair();
    const commit = pair.commit("second");
    pair.hook(pair.remote, "update", "echo 'refs/heads/main is a protected branch' >&2; exit 1");
    await expect(pushCommit(await pair.repository(), "origin", commit, "refs/heads/main")).rejects.toMatchObject({
      kind: "protectedBranch",
      message: expect.stringContaining("refs/heads/main is a protected branch") as string,
      remedy: expect.stringContaining("pull request") as string,
    });
  });

  it("is refused by the person's own hook, in whose words it is told", async () => {
    const pair = new Pair();
    const commit = pair.commit("second");
    pair.hook(join(pair.box.repository, ".git"), "pre-push", 'cat > seen; echo "Permission denied (publickey) by the tests" >&2; exit 1');
    await expect(pushCommit(await pair.repository(), "origin", commit, "refs/heads/main")).rejects.toMatchObject({
      kind: "hookDeclined",
      message: expect.stringContaining("by the tests") as string,
    });
    expect(readFileSync(join(pair.box.repository, "seen"), "utf8")).toContain(`${commit} refs/heads/main`);
    expect(pair.onRemote("rev-parse", "refs/heads/main")).not.toBe(commit);
  });

  it("is not taken for refused by a hook where the remote is gone", async () => {
    const pair = new Pair();
    pair.hook(join(pair.box.repository, ".git"), "pre-push", "exit 0");
    const commit = pair.commit("second");
    expect(await kindOf(pushCommit(await pair.repository(), join(pair.box.root, "none.git"), commit, "refs/heads/main"))).toBe(
      "noSuchRemote",
    );
  });

  it("takes an id and a whole name and nothing else", async () => {
    const pair = new Pair();
    const repository = await pair.repository();
    const id = pair.idOf("HEAD");
    await expect(pushCommit(repository, "origin", "HEAD", "refs/heads/main")).rejects.toThrow(TypeError);
    await expect(pushCommit(repository, "origin", `+${id}`, "refs/heads/main")).rejects.toThrow(TypeError);
    await expect(pushCommit(repository, "origin", id, "main" as FullRef)).rejects.toThrow(TypeError);
    await expect(pushCommit(repository, "origin", id, "refs/heads/main", { expect: "main" })).rejects.toThrow(TypeError);
  });

  it("works from a linked work tree, a shallow clone and with SHA-256", async () => {
    const pair = new Pair("sha256");
    const { shallow, linked } = pair.addFolders();
    for (const folder of [shallow, linked]) {
      pair.box.gitIn(folder, "commit", "--quiet", "--allow-empty", "--message", "more");
      const commit = pair.box.gitIn(folder, "rev-parse", "HEAD").trim();
      const ref: FullRef = folder === shallow ? "refs/heads/main" : "refs/heads/linked";
      expect(await pushCommit(await pair.repository(folder), "origin", commit, ref)).toBe("pushed");
    }
  });
});

it("a ref's whole name is what git takes for one", () => {
  const names = [
    "refs/heads/main",
    "refs/a",
    "refs",
    "refs/",
    "HEAD",
    "refs/heads/.a",
    "refs/a..b",
    "refs/a.lock/b",
    "refs/a b",
    "refs/a@{1}",
  ];
  const more = [
    "refs/heads/@",
    "refs/a.",
    "refs//a",
    "refs/a/",
    "refs/a~1",
    "refs/a\\b",
    "refs/é",
    "refs/-a",
    "refs/heads/main^{}",
    "refs/a\n",
  ];
  for (const name of [...names, ...more]) {
    const byGit = name.startsWith("refs/") && spawnSync("git", ["check-ref-format", name]).status === 0;
    expect([name, isFullRef(name)]).toEqual([name, byGit]);
  }
});
