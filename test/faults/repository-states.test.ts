import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { addAgent, check, decrypt, grant, init, secretFile, set, VaultState, type Context } from "#vault/index.js";
import { ANY_USE } from "../support/policy.js";
import { lacks } from "../support/programs.js";
import { errorCode, prepared, Sandbox, type RunOptions } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { recordCalls, runWatched } from "./at-call.js";
import { filesBelow, personsWork, subjects } from "./vault-at-work.js";
import { readIdentity } from "../support/identity.js";

const LATE = ["set", "team/late", "--exact"];

/** A repository with one commit of the person's, and a vault with one secret that one agent reads. */
const smallVault = prepared(async (box) => void (await makeSmallVault(box)));

async function makeSmallVault(box: Sandbox, context: Context = box.context()): Promise<Sandbox> {
  box.write("README.md", "# Mine\n");
  box.git("add", "README.md");
  box.git("commit", "--quiet", "-m", "Mine");
  await init(context, {});
  const vault = join(context.cwd, ".agent-vault");
  await set(context, { vault, path: "team/first", value: Buffer.from("first") });
  await addAgent(context, { vault, agent: "ada" });
  await grant(context, { vault, agent: "ada", target: "team" });
  return box;
}

/** That a vault holds exactly these secrets, is committed as it is, and that nothing about it is wrong. */
async function expectSecrets(box: Sandbox, secrets: Readonly<Record<string, string | Uint8Array>>, folder = box.repository): Promise<void> {
  const state = new VaultState(join(folder, ".agent-vault"));
  const owner = readIdentity(box.ownerKey);
  const found: Record<string, string> = {};
  for (const path of state.secretPaths()) found[path] = Buffer.from(await decrypt(state.read(secretFile(path))!, [owner])).toString("hex");
  expect(found).toEqual(Object.fromEntries(Object.entries(secrets).map(([path, value]) => [path, Buffer.from(value).toString("hex")])));
  expect((await check(box.context(), state.source.root)).filter(({ severity }) => severity === "error")).toEqual([]);
  expect(box.gitIn(folder, "status", "--porcelain", "--untracked-files=all", "--", ".agent-vault")).toBe("");
}

async function setLate(box: Sandbox): Promise<void> {
  const context = box.context();
  await set(context, { vault: box.vault, path: "team/late", value: Buffer.from("late") });
  expect(context.warnings).toEqual([]);
}

/** By the command, from another folder or in another environment. */
async function setLateFrom(box: Sandbox, options: RunOptions): Promise<void> {
  const outcome = await box.cli(LATE, { input: "late", ...options });
  expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
}

/** All bytes of the repository but those of objects that nothing names. */
function everything(box: Sandbox): string[] {
  return [
    ...filesBelow(box.repository).filter((line) => !/^\.git\/(?:objects\/|index )/.test(line)),
    box.git("ls-files", "-s"),
    box.git("for-each-ref"),
  ];
}

const BOTH = { "team/first": "first", "team/late": "late" };

describe("a repository in the middle of an operation of git", () => {
  function diverge(box: Sandbox): void {
    for (const [branch, text] of [
      ["theirs", "theirs\n"],
      ["main", "mine\n"],
    ] as const) {
      box.git("checkout", "--quiet", ...(branch === "main" ? ["main"] : ["-b", branch]));
      box.write("README.md", text);
      box.git("commit", "--quiet", "-am", text);
    }
  }

  it.each([
    ["merge", ["merge", "theirs"]],
    ["rebase", ["rebase", "theirs"]],
    ["cherry-pick", ["cherry-pick", "theirs"]],
    ["revert", ["revert", "--no-edit", "HEAD~1"]],
  ])("is left alone: %s", async (operation, words) => {
    const box = await smallVault();
    diverge(box);
    if (operation === "revert") box.git("commit", "--quiet", "--allow-empty", "-m", "So that HEAD~1 is mine");
    if (operation === "revert") {
      box.write("README.md", "mine, and more\n");
      box.git("commit", "--quiet", "-am", "More");
      words = ["revert", "--no-edit", "HEAD~2"];
    }
    expect(() => box.git(...words)).toThrow();
    const before = everything(box);
    const refused = await box.cli(LATE, { input: "late" });
    expect([refused.code, errorCode(refused)]).toEqual([7, "REPOSITORY_BUSY"]);
    expect(everything(box)).toEqual(before);
    expect(await box.ok("get", "team/first")).toBe("first");

    box.git(operation, "--abort");
    await setLate(box);
    await expectSecrets(box, BOTH);
  });
});

describe("the person's own edits of the vault", () => {
  async function expectRefused(box: Sandbox, code: string, exit: number, words: string): Promise<void> {
    const before = everything(box);
    const refused = await box.cli(LATE, { input: "late" });
    expect([refused.code, errorCode(refused)]).toEqual([exit, code]);
    expect(refused.stderr).toContain(words);
    expect(everything(box)).toEqual(before);
  }

  it("are refused until their owner has signed them, and what does not belong in a vault is left where it is", async () => {
    const box = await smallVault();
    const config = join(box.vault, "config.yaml");
    writeFileSync(config, `${readFileSync(config, "utf8")}# mine\n`);
    box.write(".agent-vault/notes.txt", "a stray");
    await expectRefused(box, "TAMPERED", 5, "config.yaml");
    await box.sign();
    expect(box.git("show", "HEAD:.agent-vault/config.yaml")).toContain("# mine");
    await setLate(box);
    expect(box.git("status", "--porcelain")).toBe("?? .agent-vault/notes.txt\n");
  });

  it("are named five at most", async () => {
    const box = await smallVault();
    const file = readFileSync(join(box.vault, "secrets/team/first.enc"));
    for (const name of ["1", "2", "3", "4", "5", "6", "7"]) box.write(`.agent-vault/secrets/copy-${name}/first.enc`, file);
    const outcome = await box.cli(LATE, { input: "late" });
    expect(outcome.stderr).toContain("secrets/copy-5/first.enc and 2 more.");
    expect(outcome.stderr).not.toContain("copy-6");
  });

  it("are found where git ignores the vault's whole folder", async () => {
    const box = await smallVault();
    box.write(".gitignore", ".agent-vault/\n");
    box.git("add", ".gitignore");
    box.git("commit", "--quiet", "--no-verify", "-m", "Ignore");
    box.write(".agent-vault/policy.yaml", ANY_USE);
    await expectRefused(box, "TAMPERED", 5, "policy.yaml");
    await box.sign();
    expect(box.git("show", "HEAD:.agent-vault/policy.yaml")).toBe(ANY_USE);
    await setLate(box);
    await expectSecrets(box, BOTH);
  });

  it.each(["secrets/team/first.enc", "agents/ada/private.key.escrow"])("are refused where they remove %s", async (file) => {
    const box = await smallVault();
    rmSync(join(box.vault, file));
    const folder = file.split("/").slice(0, file.startsWith("secrets") ? 2 : 1);
    await expectRefused(box, "TAMPERED", 5, `${folder.join("/")}/`);
    box.git("rm", "--quiet", "--cached", `.agent-vault/${file}`);
    await expectRefused(box, "TAMPERED", 5, `${folder.join("/")}/`);
    box.git("checkout", "HEAD", "--", `.agent-vault/${file}`);
    await setLate(box);
  });

  it.each(["secrets/team/first.enc", "secrets/team/new.enc"])(
    "are refused where they make %s a file that age cannot read, and not signed",
    async (file) => {
      const box = await smallVault();
      box.write(`.agent-vault/${file}`, "the value, by mistake");
      await expectRefused(box, "TAMPERED", 5, "secrets/team/");
      const { digest } = JSON.parse(await box.ok("sign", "--dry-run", "--json")) as { digest: string };
      const before = everything(box);
      expect(errorCode(await box.cli(["sign", "--yes", digest]))).toBe("DAMAGED");
      expect(everything(box)).toEqual(before);
    },
  );
});

describe("a vault that is not a part of its repository", () => {
  it("is refused where it is a repository of its own, and nothing is written", async () => {
    const box = await smallVault();
    box.gitIn(box.vault, "init", "--quiet");
    const before = everything(box);
    for (const words of [LATE, [...LATE, "--dry-run"], ["init"]]) {
      const refused = await box.cli(words, { input: "late" });
      expect(refused.code).toBe(7);
    }
    expect(everything(box)).toEqual(before);
    rmSync(join(box.vault, ".git"), { recursive: true });
    await setLate(box);
  });

  it("is refused where it is a submodule, checked out or not", async () => {
    const box = await smallVault();
    const other = new Sandbox();
    const submodule = box.git("rev-parse", "HEAD").trim();
    other.git("update-index", "--add", "--cacheinfo", `160000,${submodule},.agent-vault`);
    mkdirSync(other.vault);
    const before = everything(other);
    const refused = await other.cli(["init", "--no-hook"]);
    expect([refused.code, errorCode(refused)]).toEqual([7, "CONFLICT"]);
    expect(everything(other)).toEqual(before);
  });

  it.each(["sparse-checkout", "skip-worktree"])("is refused where files of it are left out of the work tree (%s)", async (how) => {
    const box = await smallVault();
    // So that git, which goes by a file's times, takes none of the copy for an edit.
    box.git("update-index", "-q", "--refresh");
    if (how === "sparse-checkout") box.git("sparse-checkout", "set", "--no-cone", "/*", "!/.agent-vault/secrets/");
    else {
      box.git("update-index", "--skip-worktree", ".agent-vault/secrets/team/first.enc", ".agent-vault/secrets/team/first.meta");
      rmSync(join(box.vault, "secrets"), { recursive: true });
    }
    const before = everything(box);
    for (const words of [LATE, ["revoke", "ada", "team"], ["revoke", "ada", "team", "--dry-run"]]) {
      const refused = await box.cli(words, { input: "late" });
      expect([refused.code, errorCode(refused)]).toEqual([7, "CONFLICT"]);
    }
    expect(everything(box)).toEqual(before);
  });
});

describe("a journal that agent-vault has not written", () => {
  it.each<[string, Record<string, unknown>]>([
    ["another folder", { vault: "src" }],
    ["a folder outside", { vault: "../other/.agent-vault" }],
    ["an absolute folder", { vault: "/tmp/.agent-vault" }],
    ["a second command for git", { ref: "refs/heads/main\nupdate refs/heads/main" }],
    ["an option for git", { ref: "--stdin" }],
    ["no branch", { ref: "refs/tags/v1" }],
    ["a climbing branch", { ref: "refs/heads/../tags/v1" }],
    ["a revision for a commit", { new: "HEAD~1" }],
    ["an option for a commit", { old: "--output=x" }],
    ["no commit", { new: undefined }],
  ])("is DAMAGED and nothing is done: %s", async (_what, fields) => {
    const box = await smallVault();
    const head = box.git("rev-parse", "HEAD").trim();
    const journal = { vault: ".agent-vault", ref: "refs/heads/main", old: head, new: head, ...fields };
    box.write(".git/agent-vault/journal.json", JSON.stringify(journal));
    const before = everything(box);
    const refused = await box.cli(LATE, { input: "late" });
    expect([refused.code, errorCode(refused)]).toEqual([5, "DAMAGED"]);
    const read = await box.cli(["get", "team/first"]);
    expect([read.code, read.stdout.toString()]).toEqual([0, "first"]);
    expect(read.stderr).toContain("journal.json");
    expect(everything(box)).toEqual(before);
  });
});

describe("a journal that takes the branch back", () => {
  it.each([
    ["HEAD", "HEAD~1"],
    ["HEAD", "side"],
    ["HEAD~1", "HEAD~2"],
  ])("is DAMAGED and nothing is moved: from %s to %s", async (from, to) => {
    const box = await smallVault();
    box.git("commit", "--quiet", "--allow-empty", "-m", "one");
    box.git("branch", "side");
    box.git("commit", "--quiet", "--allow-empty", "-m", "two");
    box.git("commit", "--quiet", "--allow-empty", "-m", "three");
    const at = (revision: string) => box.git("rev-parse", revision).trim();
    const journal = { vault: ".agent-vault", ref: "refs/heads/main", old: at(from), new: at(to) };
    box.write(".git/agent-vault/journal.json", JSON.stringify(journal));
    const before = everything(box);
    const refused = await box.cli(LATE, { input: "late" });
    expect([refused.code, errorCode(refused)]).toEqual([5, "DAMAGED"]);
    expect((await box.cli(["get", "team/first"])).stdout.toString()).toBe("first");
    expect(everything(box)).toEqual(before);
  });
});

describe("an unusual HEAD", () => {
  it("may be detached: the change is committed there and moves no branch", async () => {
    const box = await smallVault();
    box.git("checkout", "--quiet", "--detach");
    const main = box.git("rev-parse", "main");
    await setLate(box);
    expect(box.git("rev-parse", "main")).toBe(main);
    expect(box.git("rev-parse", "HEAD~1")).toBe(main);
    expect(() => box.git("symbolic-ref", "--quiet", "HEAD")).toThrow();
    await expectSecrets(box, BOTH);
  });

  it("may have no commit yet: the first one holds the vault and nothing of the person's", async () => {
    const box = new Sandbox();
    box.write("staged.txt", "staged\n");
    box.write("untracked.txt", "untracked\n");
    box.git("add", "staged.txt");
    await makeVault(box);
    await setLate(box);
    expect(
      box
        .git("ls-tree", "-r", "--name-only", "HEAD")
        .split("\n")
        .filter((file) => file !== "" && !file.startsWith(".agent-vault/")),
    ).toEqual([]);
    expect(box.git("status", "--porcelain")).toBe("A  staged.txt\n?? untracked.txt\n");
    await expectSecrets(box, { "team/late": "late" });
  });

  it("may be finished on after a kill while it is detached", async () => {
    const box = await smallVault();
    box.git("checkout", "--quiet", "--detach");
    const main = box.git("rev-parse", "main");
    await killBeforeTheBranchMoves(box);
    await box.ok("list");
    expect(box.git("rev-parse", "main")).toBe(main);
    await expectSecrets(box, BOTH);
  });
});

/** Kills a `set` once the journal is written and git was started to move the branch. */
async function killBeforeTheBranchMoves(box: Sandbox, folder = box.repository): Promise<void> {
  const line = { words: ["-C", folder, ...LATE], input: "late" };
  const probe = await box.copy();
  const calls = await recordCalls(probe, { ...line, words: ["-C", folder.replace(box.root, probe.root), ...LATE] });
  const at = calls.findIndex((call) => call.startsWith("spawn") && call.includes(" update-ref ")) + 1;
  const { signal, ended } = await runWatched(box, line, { at });
  expect([at > 0, signal]).toEqual([true, "SIGKILL"]);
  await ended;
}

describe("two vaults in one repository", () => {
  it("finish what was begun in the other one", async () => {
    const box = await smallVault();
    const folder = join(box.repository, "app");
    mkdirSync(folder);
    await init(box.context({ cwd: folder }), {});
    await killBeforeTheBranchMoves(box);
    expect((await box.cli(["list"], { cwd: folder })).stderr).toContain("finished");
    await expectSecrets(box, BOTH);
    await expectSecrets(box, {}, folder);
  });
});

describe("a vault in a folder of the repository", () => {
  it.each(["packages/app", 'it\'s a "vault" — ünï 🔑 [x]*? $HOME', "-C", "a:b (top)"])("%s", async (name) => {
    const box = new Sandbox();
    const folder = join(box.repository, name);
    mkdirSync(folder, { recursive: true });
    box.write("beside.txt", "beside\n");
    await makeSmallVault(box, box.context({ cwd: folder }));
    box.write("README.md", "an edit\n");
    const person = box.git("status", "--porcelain");

    await setLateFrom(box, { cwd: folder });
    await expectSecrets(box, BOTH, folder);
    await box.cli(["-C", folder, "delete", "team/late"]);
    await expectSecrets(box, { "team/first": "first" }, folder);
    await killBeforeTheBranchMoves(box, folder);
    expect((await box.cli(["list"], { cwd: folder })).code).toBe(0);
    await expectSecrets(box, BOTH, folder);
    expect(box.git("status", "--porcelain")).toBe(person);
  });
});

describe("a linked work tree", () => {
  it("gets the change on its own branch, also after a kill, and the other work trees stay as they are", async () => {
    const box = await smallVault();
    const linked = join(box.root, "linked");
    box.git("worktree", "add", "--quiet", "-b", "side", linked);
    const link = join(box.root, "link");
    symlinkSync(linked, link);
    const before = everything(box).filter((line) => !line.includes("refs/heads/side") && !line.startsWith(".git/worktrees/"));

    await setLateFrom(box, { cwd: link });
    await expectSecrets(box, BOTH, linked);
    const calls = await recordCalls(box, { words: ["-C", linked, "set", "team/probe"], input: "probe" });
    const at = calls.findIndex((call) => call.startsWith("spawn") && call.includes(" update-ref ")) + 1;
    const { ended } = await runWatched(box, { words: ["-C", linked, "set", "team/killed"], input: "killed" }, { at });
    await ended;
    expect((await box.cli(["list"], { cwd: linked })).code).toBe(0);
    await expectSecrets(box, { ...BOTH, "team/probe": "probe", "team/killed": "killed" }, linked);
    await expectSecrets(box, { "team/first": "first" });
    expect(everything(box).filter((line) => !line.includes("refs/heads/side") && !line.startsWith(".git/worktrees/"))).toEqual(before);
  });
});

describe("a repository with SHA-256 object names", () => {
  it("is written to, and finished in after a kill", async () => {
    const box = new Sandbox({ git: false });
    box.git("init", "--quiet", "--object-format=sha256");
    await makeSmallVault(box);
    expect(box.git("rev-parse", "HEAD").trim()).toHaveLength(64);
    await killBeforeTheBranchMoves(box);
    await box.ok("list");
    await expectSecrets(box, BOTH);
    box.git("fsck", "--strict");
  });

  it("may have no commit yet", async () => {
    const box = new Sandbox({ git: false });
    box.git("init", "--quiet", "--object-format=sha256");
    await makeVault(box);
    await setLate(box);
    await expectSecrets(box, { "team/late": "late" });
  });
});

describe("an index in an unusual format", () => {
  it("keeps the person's entries: split, version 4, with skip-worktree and intent-to-add", async () => {
    const box = await smallVault();
    box.git("config", "index.version", "4");
    box.git("update-index", "--split-index", "--index-version", "4");
    box.write("staged.txt", "staged\n");
    box.write("promised.txt", "promised\n");
    box.git("add", "staged.txt");
    box.git("add", "--intent-to-add", "promised.txt");
    box.git("update-index", "--skip-worktree", "README.md");
    const before = personsWork(box);
    await setLate(box);
    await expectSecrets(box, BOTH);
    expect(personsWork(box)).toBe(before);
  });
});

describe("the person's git configuration", () => {
  it("may know no identity: the command works, says so, and commits as agent-vault", async () => {
    const box = await smallVault();
    writeFileSync(join(box.root, "gitconfig"), "[user]\n\tuseConfigOnly = true\n");
    const outcome = await box.cli(LATE, { input: "late" });
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toMatch(/^warning: /);
    expect(box.git("log", "-1", "--format=%an %ae %cn")).toBe("agent-vault agent-vault@localhost agent-vault\n");
    await expectSecrets(box, BOTH);
    expect((await box.cli(LATE, { input: "once more" })).stderr).toBe("");
  });

  describe.skipIf(lacks("ssh-keygen"))("may sign commits", () => {
    async function signingVault(): Promise<Sandbox> {
      const box = await smallVault();
      await box.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(box.root, "signing")]);
      for (const [name, value] of [
        ["gpg.format", "ssh"],
        ["user.signingKey", join(box.root, "signing.pub")],
        ["commit.gpgSign", "true"],
      ] as const) {
        box.git("config", name, value);
      }
      return box;
    }

    it("and then ours are signed as well", async () => {
      const box = await signingVault();
      writeFileSync(join(box.root, "allowed"), `test@example.com ${readFileSync(join(box.root, "signing.pub"), "utf8")}`);
      await setLate(box);
      box.git("-c", `gpg.ssh.allowedSignersFile=${join(box.root, "allowed")}`, "verify-commit", "HEAD");
      await expectSecrets(box, BOTH);
    });

    it.each(["/bin/false", "/nonexistent/ssh-keygen"])("and where %s is to do it, nothing is changed", async (program) => {
      const box = await signingVault();
      box.git("config", "gpg.ssh.program", program);
      const before = everything(box);
      const refused = await box.cli(LATE, { input: "late" });
      expect([refused.code, errorCode(refused)]).toEqual([1, "SIGNING_FAILED"]);
      expect(everything(box)).toEqual(before);
      await expectSecrets(box, { "team/first": "first" });
    });
  });

  it("may turn line ends around: every byte of every file survives", async () => {
    const box = await smallVault();
    for (const [name, value] of [
      ["core.autocrlf", "true"],
      ["core.safecrlf", "true"],
      ["core.eol", "crlf"],
    ] as const)
      box.git("config", name, value);
    box.write(".gitattributes", "* text=auto eol=crlf\r\n");
    box.git("add", ".gitattributes");
    const value = Buffer.from("one\r\ntwo\nthree\r\r\n\0\u00ff", "latin1");
    await box.set("team/crlf", value);
    await expectSecrets(box, { "team/first": "first", "team/crlf": value });

    const clone = join(box.root, "clone");
    box.git("commit", "--quiet", "--no-verify", "-m", "Attributes");
    box.git("clone", "--quiet", "-c", "core.autocrlf=true", box.repository, clone);
    expect(filesBelow(join(clone, ".agent-vault"))).toEqual(filesBelow(box.vault));
  });

  it.each(["*.enc\n", ".agent-vault/\n", "*\n", "secrets\n*.meta\n*.yaml\n"])("may ignore files of the vault: %j", async (ignored) => {
    const box = await smallVault();
    box.write(".gitignore", ignored);
    await setLate(box);
    await box.ok("revoke", "ada", "team");
    await box.ok("delete", "team/first");
    expect(box.git("ls-files", "-c", "--", ".agent-vault/secrets")).toBe(
      ".agent-vault/secrets/team/late.enc\n.agent-vault/secrets/team/late.meta\n",
    );
    await expectSecrets(box, { "team/late": "late" });
    expect(box.git("diff", "HEAD", "--name-only")).toBe("");
  });

  it("may point variables and defaults elsewhere", async () => {
    const box = await smallVault();
    for (const [name, value] of [
      ["status.showUntrackedFiles", "no"],
      ["status.relativePaths", "false"],
      ["core.quotePath", "true"],
      ["core.logAllRefUpdates", "false"],
      ["log.showSignature", "true"],
      ["diff.noprefix", "true"],
      ["color.ui", "always"],
      ["fastimport.unpackLimit", "1000"],
      ["core.sharedRepository", "group"],
    ] as const) {
      box.git("config", name, value);
    }
    const outside = {
      GIT_DIR: "/nonexistent",
      GIT_INDEX_FILE: join(box.root, "other-index"),
      GIT_WORK_TREE: "/nonexistent",
      GIT_TRACE: "0",
      EDITOR: "false",
      PAGER: "false",
      GIT_EDITOR: "false",
    };
    await setLateFrom(box, { env: outside });
    expect(existsSync(outside.GIT_INDEX_FILE)).toBe(false);
    await expectSecrets(box, BOTH);
  });
});

describe("the repository's hooks", () => {
  function installHooks(box: Sandbox, hooks: Readonly<Record<string, string>>): void {
    const folder = join(box.root, "hooks");
    mkdirSync(folder);
    for (const [name, script] of Object.entries(hooks)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    box.git("config", "core.hooksPath", folder);
  }

  it("that check or rewrite what is committed do not run, since the bytes that were checked are the ones to commit", async () => {
    const box = await smallVault();
    const rewrite = `echo ran >>'${box.root}/ran'; echo rewritten >>.agent-vault/manifest.yaml; echo rewritten >>README.md; git add -A; exit 1`;
    installHooks(
      box,
      Object.fromEntries(
        ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-merge-commit", "post-checkout"].map((name) => [
          name,
          rewrite,
        ]),
      ),
    );
    const person = personsWork(box);
    await setLate(box);
    await box.ok("revoke", "ada", "team");
    await expectSecrets(box, BOTH);
    expect(personsWork(box)).toBe(person);
    expect(subjects(box)[0]).toBe("agent-vault: revoke team from ada");
  });

  it("on references run, and see the branch move", async () => {
    const box = await smallVault();
    installHooks(box, { "reference-transaction": `[ "$1" = committed ] && cat >>'${box.root}/seen'; exit 0` });
    await setLate(box);
    expect(readFileSync(join(box.root, "seen"), "utf8")).toContain(`${box.git("rev-parse", "HEAD").trim()} refs/heads/main\n`);
  });

  it("on references may refuse, and then nothing is changed", async () => {
    const box = await smallVault();
    const before = everything(box);
    installHooks(box, { "reference-transaction": `[ "$1" = prepared ] && grep -q refs/heads/main && exit 1; exit 0` });
    const refused = await box.cli(LATE, { input: "late" });
    expect([refused.code, errorCode(refused)]).toEqual([1, "GIT_FAILED"]);
    box.git("config", "--unset", "core.hooksPath");
    expect(everything(box)).toEqual(before);
    await setLate(box);
    await expectSecrets(box, BOTH);
  });
});

describe("a bare PATH", () => {
  it("of nothing but git and node is enough", async () => {
    const box = await smallVault();
    const bin = join(box.root, "bin");
    mkdirSync(bin);
    const git = (await box.run("sh", ["-c", "command -v git"])).stdout.toString().trim();
    symlinkSync(git, join(bin, "git"));
    symlinkSync(process.execPath, join(bin, "node"));
    await setLateFrom(box, { env: { PATH: bin } });
    await expectSecrets(box, BOTH);
  });

  it("without git says so and changes nothing; reading needs none", async () => {
    const box = await smallVault();
    const before = everything(box);
    const env = { PATH: dirname(copyNode(box)) };
    const refused = await box.cli(LATE, { input: "late", env });
    expect([refused.code, errorCode(refused)]).toEqual([1, "GIT_MISSING"]);
    expect(everything(box)).toEqual(before);
    expect((await box.cli(["get", "team/first"], { env })).stdout.toString()).toBe("first");
  });

  function copyNode(box: Sandbox): string {
    const node = join(box.root, "bin", "node");
    mkdirSync(dirname(node));
    copyFileSync("/bin/true", node);
    return node;
  }
});
