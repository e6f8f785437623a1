import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { joinCommits, type Join, type Joined } from "#vault/git/join-commits.js";
import { GitRepository } from "#vault/git/repository.js";
import { Sandbox } from "../../../support/sandbox.js";

const TEXT = Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join("");
const changed = (line: number, to: string) => TEXT.replace(`line ${line}\n`, `${to}\n`);

/** A repository with code and a vault, whose branch main is checked out and whose branch theirs is a colleague's. */
class Scene {
  readonly box: Sandbox;
  readonly folder: string;
  readonly warnings: string[] = [];
  readonly #env: Readonly<Record<string, string>>;

  constructor({ folder = ".agent-vault", oldGit = false, objectFormat = "sha1" } = {}) {
    this.box = new Sandbox({ git: false });
    this.folder = folder;
    this.#env = oldGit ? withOldGit(this.box) : {};
    this.box.git("init", "--quiet", `--object-format=${objectFormat}`);
    this.commit("base", { "a.txt": TEXT, "b.txt": TEXT, "dir/c.txt": TEXT, ...this.vault("base") });
    this.box.git("branch", "theirs");
  }

  /** A vault's files, of a state. */
  vault(state: string): Record<string, string> {
    return { [`${this.folder}/vault.lock`]: `lock of ${state}\n`, [`${this.folder}/secrets/a/${state}.enc`]: state };
  }

  /** Commits files to the branch that is checked out; `null` removes one. */
  commit(message: string, files: Readonly<Record<string, string | null>> = {}, ...options: string[]): string {
    for (const [file, content] of Object.entries(files)) {
      const path = join(this.box.repository, file);
      mkdirSync(dirname(path), { recursive: true });
      if (content === null) rmSync(path, { recursive: true });
      else writeFileSync(path, content);
    }
    this.box.git("add", "--all");
    this.box.git("commit", "--quiet", "--allow-empty", "--message", message, ...options);
    return this.idOf("HEAD");
  }

  /** Does something on the colleague's branch. */
  onTheirs(work: () => void): void {
    this.box.git("checkout", "--quiet", "theirs");
    work();
    this.box.git("checkout", "--quiet", "main");
  }

  async join(
    style: Join["style"],
    tree = this.idOf(`main:${this.folder}`),
    repository = this.box.repository,
    /** Called where the join begins; what it gives, where it ends. */
    begin: () => () => void = () => () => {},
  ): Promise<Joined> {
    const before = this.persons();
    const end = begin();
    const context = this.box.context({ env: { ...this.box.env, ...this.#env } });
    const options = { folder: this.folder, tree, style, message: "Join", warn: (message: string) => this.warnings.push(message) } as const;
    const joined = await joinCommits(await GitRepository.find(context, repository), this.idOf("main"), this.idOf("theirs"), options);
    end();
    if (JSON.stringify(this.persons()) !== JSON.stringify(before)) throw new Error("What is the person's has changed.");
    return joined;
  }

  async joined(style: Join["style"], tree?: string): Promise<string> {
    const joined = await this.join(style, tree);
    if ("conflicts" in joined) throw new Error(`There are conflicts in ${joined.conflicts.join(" and ")}.`);
    this.box.git("fsck", "--strict");
    return joined.commit;
  }

  idOf(revision: string): string {
    return this.box.git("rev-parse", "--verify", revision).trim();
  }

  /** The files of a commit: modes and contents by path. */
  files(commit: string): Record<string, string> {
    const lines = this.box.git("ls-tree", "-r", "-z", commit).split("\0").filter(Boolean);
    return Object.fromEntries(
      lines.map((line) => {
        const [, mode, type, id, path] = /^(\d+) (\w+) (\w+)\t(.*)$/s.exec(line)!;
        return [path!, `${mode} ${type === "blob" ? this.box.git("cat-file", "blob", id!) : id}`];
      }),
    );
  }

  log(commit: string, format: string): string[] {
    return this.box.git("log", "--reverse", `--format=${format}`, `theirs..${commit}`).trimEnd().split("\n");
  }

  /** All that is the person's: refs, index, stash, work tree. */
  persons(): unknown {
    const gitDir = join(this.box.repository, ".git");
    const top = readdirSync(gitDir).filter((name) => !["objects", "refs"].includes(name));
    return [
      this.box.git("for-each-ref"),
      this.box.git("status", "--porcelain=v2", "--ignored"),
      this.box.git("stash", "list"),
      readFileSync(join(gitDir, "index")).toString("latin1"),
      top.toSorted(),
    ];
  }
}

/** A git that does not know `merge-tree --write-tree` yet. */
function withOldGit(box: Sandbox): Record<string, string> {
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  const folder = join(box.root, "old-git");
  mkdirSync(folder);
  const usage = "usage: git merge-tree <base-tree> <branch1> <branch2>";
  writeFileSync(join(folder, "git"), `#!/bin/sh\ncase "$*" in *--write-tree*) echo '${usage}' >&2; exit 129;; esac\nexec ${real} "$@"\n`);
  chmodSync(join(folder, "git"), 0o755);
  return { PATH: `${folder}:${process.env["PATH"]}` };
}

describe.each([
  ["git", false],
  ["git before 2.38", true],
])("two commits that %s joins", (_name, oldGit) => {
  it("have the code of both and the vault as given, in a merge", async () => {
    const scene = new Scene({ oldGit });
    const ours = scene.commit("ours", { "a.txt": changed(2, "ours"), "new.txt": "ours", ...scene.vault("ours") });
    scene.onTheirs(() => scene.commit("theirs", { "a.txt": changed(17, "theirs"), "dir/c.txt": null }));
    scene.box.write("a.txt", "not committed");
    scene.box.write("untracked", "");
    scene.box.git("add", "a.txt");
    scene.box.write("a.txt", "not committed either");
    const commit = await scene.joined("merge");
    expect(scene.box.git("log", "-1", "--format=%P|%B|%an", commit).trim()).toBe(`${ours} ${scene.idOf("theirs")}|Join\n|Test`);
    expect(scene.files(commit)).toEqual({
      ...scene.files("main"),
      "dir/c.txt": undefined,
      "a.txt": `100644 ${changed(2, "ours").replace("line 17\n", "theirs\n")}`,
    });
    expect(scene.warnings).toEqual([]);
  });

  it("are made of our commits in a rebase, with their authors and messages", async () => {
    const scene = new Scene({ oldGit });
    scene.commit("one\n\nBody of one.", { "a.txt": changed(2, "one") }, "--author=Zoë <zoe@example.com>", "--date=@1000000000 +0530");
    scene.commit("empty from the start");
    scene.commit("vault 1", scene.vault("one"));
    scene.commit("taken over", { "b.txt": changed(3, "taken") });
    scene.commit("vault 2", scene.vault("two"));
    scene.commit("two", { "dir/c.txt": changed(4, "two") });
    scene.onTheirs(() => {
      scene.commit("theirs", { "a.txt": changed(17, "theirs") });
      scene.commit("taken over, by them", { "b.txt": changed(3, "taken"), "other.txt": "" });
    });
    const commit = await scene.joined("rebase");
    expect(scene.log(commit, "%s|%an|%ae|%ad|%cn").map((line) => line.replace(/\|[^|]*(\|Test)$/, "$1"))).toEqual([
      "one|Zoë|zoe@example.com|Test",
      "empty from the start|Test|test@example.com|Test",
      "vault 1|Test|test@example.com|Test",
      "vault 2|Test|test@example.com|Test",
      "two|Test|test@example.com|Test",
    ]);
    expect(scene.log(commit, "%ad").at(0)).toBe("Sun Sep 9 07:16:40 2001 +0530");
    expect(scene.box.git("cat-file", "commit", `${commit}~4`).split("\n\n").slice(1)).toEqual(["one", "Body of one.\n"]);
    expect(scene.box.git("rev-parse", `${commit}~5`)).toBe(scene.box.git("rev-parse", "theirs"));
    expect(scene.idOf(`${commit}:.agent-vault`)).toBe(scene.idOf("main:.agent-vault"));
    // Each of our states stays in the commit that made it.
    expect(scene.idOf(`${commit}~2:.agent-vault`)).toBe(scene.idOf("main~3:.agent-vault"));
    expect(scene.files(commit)["a.txt"]).toBe(`100644 ${changed(2, "one").replace("line 17\n", "theirs\n")}`);
  });

  it.each(["merge", "rebase"] as const)("keep the vault's tree whole where both changed it: %s", async (style) => {
    const scene = new Scene({ oldGit });
    scene.commit("vault", { ...scene.vault("ours"), ".agent-vault/x": "ours" });
    scene.commit("code", { "a.txt": changed(2, "ours") });
    scene.onTheirs(() => scene.commit("vault", { ...scene.vault("theirs"), ".agent-vault/x": "theirs" }));
    for (const side of ["main", "theirs"]) {
      const commit = await scene.joined(style, scene.idOf(`${side}:.agent-vault`));
      expect(scene.idOf(`${commit}:.agent-vault`)).toBe(scene.idOf(`${side}:.agent-vault`));
      expect(scene.files(commit)["a.txt"]).toBe(`100644 ${changed(2, "ours")}`);
    }
  });

  it.each(["merge", "rebase"] as const)("are not joined where the code conflicts, and the files are named: %s", async (style) => {
    const scene = new Scene({ oldGit });
    scene.commit("code", {
      "a.txt": changed(2, "ours"),
      "dir/c.txt": changed(2, "ours"),
      "b.txt": changed(2, "ours"),
      ...scene.vault("ours"),
    });
    scene.onTheirs(() =>
      scene.commit("code", { "a.txt": changed(2, "theirs"), "dir/c.txt": null, "b.txt": changed(17, "theirs"), ...scene.vault("theirs") }),
    );
    expect(await scene.join(style)).toEqual({ conflicts: ["a.txt", "dir/c.txt"] });
  });

  it.each(["merge", "rebase"] as const)("follow files that were renamed: %s", async (style) => {
    const scene = new Scene({ oldGit });
    scene.commit("ours", { "a.txt": changed(2, "ours"), "dir/c.txt": changed(2, "ours"), ...scene.vault("ours") });
    scene.onTheirs(() => {
      renameSync(join(scene.box.repository, "a.txt"), join(scene.box.repository, "ä.txt"));
      renameSync(join(scene.box.repository, "dir"), join(scene.box.repository, "moved"));
      scene.commit("theirs");
    });
    const files = scene.files(await scene.joined(style));
    expect(files["ä.txt"]).toBe(`100644 ${changed(2, "ours")}`);
    expect(files["moved/c.txt"]).toBe(`100644 ${changed(2, "ours")}`);
    expect([files["a.txt"], files["dir/c.txt"]]).toEqual([undefined, undefined]);
  });

  it("take nothing of the vault for the code's, and the other way round", async () => {
    const scene = new Scene({ oldGit, folder: "apps/shop/.agent-vault" });
    scene.commit("ours", { "apps/shop/new.txt": TEXT, "apps/shop/.agent-vault/more": "", ...scene.vault("ours") });
    scene.onTheirs(() => {
      // A file that leaves the vault for the code, and a folder of code that goes with all but the vault.
      scene.commit("theirs", { "apps/shop/.agent-vault/secrets/a/base.enc": null, "apps/shop/out.txt": "base" });
    });
    const commit = await scene.joined("merge");
    expect(scene.idOf(`${commit}:apps/shop/.agent-vault`)).toBe(scene.idOf("main:apps/shop/.agent-vault"));
    expect(scene.files(commit)).toMatchObject({ "apps/shop/new.txt": `100644 ${TEXT}`, "apps/shop/out.txt": "100644 base" });
  });

  it.each(["merge", "rebase"] as const)("keep links, submodules and executable bits: %s", async (style) => {
    const scene = new Scene({ oldGit, folder: 'deep/er "and" strange/.agent-vault' });
    const submodule = scene.idOf("HEAD");
    symlinkSync("/etc/passwd", join(scene.box.repository, "ours-link"));
    chmodSync(join(scene.box.repository, "b.txt"), 0o755);
    scene.commit("ours", scene.vault("ours"));
    scene.onTheirs(() => {
      symlinkSync("..", join(scene.box.repository, "their-link"));
      scene.commit("theirs", { "b.txt": changed(2, "theirs") });
      scene.box.git("update-index", "--add", "--cacheinfo", `160000,${submodule},sub`);
      scene.box.git("commit", "--quiet", "--message", "submodule");
      mkdirSync(join(scene.box.repository, "sub"));
    });
    const files = scene.files(await scene.joined(style));
    expect(files).toMatchObject({
      "ours-link": "120000 /etc/passwd",
      "their-link": "120000 ..",
      "b.txt": `100755 ${changed(2, "theirs")}`,
      sub: `160000 ${submodule}`,
    });
  });

  it("run no driver, filter or hook of the person's", async () => {
    const scene = new Scene({ oldGit });
    const ran = join(scene.box.root, "ran");
    const attributes = "union.txt merge=union\nours.txt merge=theirs-driver\nkept.txt -merge\n*.filtered filter=f\n";
    const base = { "union.txt": "a\n", "ours.txt": TEXT, "kept.txt": TEXT, "x.filtered": TEXT, "info.txt": TEXT };
    for (const branch of ["main", "theirs"]) {
      scene.box.git("checkout", "--quiet", branch);
      if (branch === "main") scene.commit("attributes", { ".gitattributes": attributes, ...base });
      else scene.box.git("reset", "--quiet", "--hard", "main");
    }
    scene.commit("theirs", {
      "union.txt": "a\ntheirs\n",
      "ours.txt": changed(17, "theirs"),
      "kept.txt": changed(17, "theirs"),
      "x.filtered": changed(17, "theirs"),
      "info.txt": changed(17, "theirs"),
    });
    scene.box.git("checkout", "--quiet", "main");
    scene.commit("ours", {
      "union.txt": "a\nours\n",
      "ours.txt": changed(2, "ours"),
      "kept.txt": changed(2, "ours"),
      "x.filtered": changed(2, "ours"),
      "info.txt": changed(2, "ours"),
    });
    writeFileSync(join(scene.box.repository, ".git/info/attributes"), "info.txt merge=theirs-driver\nb.txt filter=f\n");
    scene.box.git("config", "merge.theirs-driver.driver", `echo driver >> ${ran}; cp %B %A`);
    scene.box.git("config", "merge.default", "theirs-driver");
    scene.box.git("config", "merge.renormalize", "true");
    for (const what of ["clean", "smudge"]) scene.box.git("config", `filter.f.${what}`, `echo ${what} >> ${ran}; cat`);
    for (const hook of ["post-checkout", "post-index-change", "reference-transaction", "post-commit", "pre-commit", "prepare-commit-msg"]) {
      writeFileSync(join(scene.box.repository, ".git/hooks", hook), `#!/bin/sh\necho ${hook} "$@" >> ${ran}\n`);
      chmodSync(join(scene.box.repository, ".git/hooks", hook), 0o755);
    }
    let programs = "";
    const joined = await scene.join("merge", undefined, undefined, () => {
      rmSync(ran, { force: true });
      return () => (programs = existsSync(ran) ? readFileSync(ran, "utf8") : "");
    });
    expect(joined).toEqual({ conflicts: ["info.txt", "kept.txt", "ours.txt"] });
    expect(programs).toBe("");
  });

  it("go back to several commits where branches crossed", async () => {
    const scene = new Scene({ oldGit });
    scene.commit("ours", { "a.txt": changed(2, "ours"), ...scene.vault("ours") });
    scene.onTheirs(() => scene.commit("theirs", { "b.txt": changed(2, "theirs") }));
    const [ours, theirs] = [scene.idOf("main"), scene.idOf("theirs")];
    scene.box.git("merge", "--quiet", "--no-edit", theirs);
    scene.onTheirs(() => scene.box.git("merge", "--quiet", "--no-edit", "--no-ff", ours));
    scene.commit("ours again", { "a.txt": changed(2, "ours again") });
    scene.onTheirs(() => scene.commit("theirs again", { "b.txt": changed(2, "theirs again"), ...scene.vault("theirs") }));
    expect(scene.box.git("merge-base", "--all", "main", "theirs").trim().split("\n")).toHaveLength(2);
    for (const style of ["merge", "rebase"] as const) {
      const files = scene.files(await scene.joined(style, scene.idOf("theirs:.agent-vault")));
      expect([files["a.txt"], files["b.txt"]]).toEqual([`100644 ${changed(2, "ours again")}`, `100644 ${changed(2, "theirs again")}`]);
    }
  });

  it("are joined with SHA-256, in a linked work tree and in a shallow clone", async () => {
    const scene = new Scene({ oldGit, objectFormat: "sha256" });
    scene.commit("ours", { "a.txt": changed(2, "ours"), ...scene.vault("ours") });
    scene.onTheirs(() => scene.commit("theirs", { "a.txt": changed(17, "theirs") }));
    const linked = join(scene.box.root, "linked");
    scene.box.git("worktree", "add", "--quiet", linked, "-b", "linked");
    expect(await scene.join("rebase", undefined, linked)).toHaveProperty("commit");
    expect(lstatSync(join(linked, ".git")).isFile()).toBe(true);

    const shallow = join(scene.box.root, "shallow");
    scene.box.git("clone", "--quiet", "--depth=2", "--no-single-branch", `file://${scene.box.repository}`, shallow);
    expect(await scene.join("merge", undefined, shallow)).toHaveProperty("commit");
  });
});

describe("a join", () => {
  it("is one of the sides where that has all of it", async () => {
    const scene = new Scene();
    const ours = scene.commit("ours", scene.vault("ours"));
    expect(await scene.join("merge")).toEqual({ commit: ours });
    expect(await scene.join("rebase")).toEqual({ commit: ours });
    scene.box.git("reset", "--quiet", "--hard", "theirs");
    scene.onTheirs(() => scene.commit("theirs", scene.vault("theirs")));
    expect(await scene.join("merge", scene.idOf("theirs:.agent-vault"))).toEqual({ commit: scene.idOf("theirs") });
    expect(await scene.join("rebase", scene.idOf("theirs:.agent-vault"))).toEqual({ commit: scene.idOf("theirs") });
    const kept = await scene.joined("rebase", scene.idOf("main:.agent-vault"));
    expect(scene.idOf(`${kept}:.agent-vault`)).toBe(scene.idOf("main:.agent-vault"));
    expect(scene.idOf(`${kept}^`)).toBe(scene.idOf("theirs"));
  });

  it("leaves merges of ours out of a rebase", async () => {
    const scene = new Scene();
    scene.box.git("checkout", "--quiet", "-b", "side");
    scene.commit("side", { "b.txt": changed(2, "side") });
    scene.box.git("checkout", "--quiet", "main");
    scene.commit("ours", { "a.txt": changed(2, "ours"), ...scene.vault("ours") });
    scene.box.git("merge", "--quiet", "--no-edit", "side");
    scene.onTheirs(() => scene.commit("theirs", { "a.txt": changed(17, "theirs") }));
    const commit = await scene.joined("rebase");
    expect(scene.log(commit, "%s").toSorted()).toEqual(["ours", "side"]);
    expect(scene.idOf(`${commit}:.agent-vault`)).toBe(scene.idOf("main:.agent-vault"));
    expect(scene.files(commit)["b.txt"]).toBe(`100644 ${changed(2, "side")}`);
  });

  it("brings a vault to a branch that has none", async () => {
    const scene = new Scene();
    scene.onTheirs(() => scene.commit("theirs", { ".agent-vault": null, "a.txt": changed(2, "theirs") }));
    for (const style of ["merge", "rebase"] as const) {
      const commit = await scene.joined(style);
      expect(scene.idOf(`${commit}:.agent-vault`)).toBe(scene.idOf("main:.agent-vault"));
    }
  });

  it("is refused where the two share nothing", async () => {
    const scene = new Scene();
    scene.box.git("checkout", "--quiet", "--orphan", "other");
    scene.commit("other");
    scene.box.git("branch", "--force", "theirs", "other");
    scene.box.git("checkout", "--quiet", "main");
    await expect(scene.join("merge")).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it.each(["merge", "rebase"] as const)("signs its commits where the person's git does: %s", async (style) => {
    const scene = new Scene();
    scene.commit("ours", scene.vault("ours"));
    scene.onTheirs(() => scene.commit("theirs", { "a.txt": changed(2, "theirs") }));
    const gpg = join(scene.box.root, "gpg");
    writeFileSync(gpg, `#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho 'a signature'\n`);
    chmodSync(gpg, 0o755);
    scene.box.git("config", "gpg.program", gpg);
    scene.box.git("config", "commit.gpgSign", "true");
    expect(scene.box.git("cat-file", "commit", await scene.joined(style))).toContain("gpgsig a signature");
    scene.box.git("config", "gpg.program", "false");
    await expect(scene.join(style)).rejects.toMatchObject({ code: "SIGNING_FAILED" });
  });
});
