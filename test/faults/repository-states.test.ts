import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { errorCode, Sandbox } from "../support/sandbox.js";

async function vaultIn(box: Sandbox, folder = "."): Promise<void> {
  await box.ok("init", folder, "--no-hook");
}

async function setAndGet(box: Sandbox, cwd: string, value = "v\r\n\0"): Promise<void> {
  const set = await box.cli(["set", "a/b", "--exact"], { cwd, input: value });
  expect(set.code, set.stderr).toBe(0);
  expect((await box.cli(["get", "a/b"], { cwd })).stdout.toString()).toBe(value);
  expect(box.gitIn(cwd, "status", "--porcelain", "--", ".")).toBe("");
}

describe("a change works in a repository", () => {
  it("with a detached HEAD, and moves HEAD alone", async () => {
    const box = new Sandbox();
    await vaultIn(box);
    const main = box.git("rev-parse", "main");
    box.git("checkout", "--quiet", "--detach");
    await setAndGet(box, box.repository);
    expect(box.git("rev-parse", "main")).toBe(main);
    expect(box.git("rev-parse", "HEAD~1")).toBe(main);
  });

  it("before its first commit, beside what the person has staged", async () => {
    const box = new Sandbox();
    writeFileSync(join(box.repository, "mine.txt"), "mine");
    box.git("add", "mine.txt");
    await vaultIn(box);
    expect(box.git("ls-tree", "-r", "--name-only", "HEAD").includes("mine.txt")).toBe(false);
    expect(box.git("status", "--porcelain")).toBe("A  mine.txt\n");
  });

  it.each(["services/api", 'a "quoted" folder', "ordner äöü 🔑"])("whose root lies above the vault (%s)", async (folder) => {
    const box = new Sandbox();
    mkdirSync(join(box.repository, folder), { recursive: true });
    await vaultIn(box, folder);
    await setAndGet(box, join(box.repository, folder));
    expect(box.git("-c", "core.quotePath=false", "ls-files", "-z").split("\0")).toContain(`${folder}/.agent-vault/secrets/a/b.enc`);
  });

  it("in a linked work tree, reached by a symbolic link", async () => {
    const box = new Sandbox();
    await vaultIn(box);
    const other = join(box.root, "other");
    box.git("worktree", "add", "--quiet", "-b", "topic", other);
    symlinkSync(other, join(box.root, "link"));
    await setAndGet(box, join(box.root, "link"));
    expect(box.git("log", "-1", "--format=%s", "topic").trim()).toBe("agent-vault: set a/b");
    expect(box.git("log", "-1", "--format=%s", "main").trim()).toBe("agent-vault: init");
  });

  it("of SHA-256 objects", async () => {
    const box = new Sandbox({ git: false });
    box.git("init", "--quiet", "--object-format=sha256");
    await vaultIn(box);
    await setAndGet(box, box.repository);
  });

  it("without a git identity, and says so once", async () => {
    const box = new Sandbox({ identity: false });
    box.git("config", "user.useConfigOnly", "true");
    expect((await box.cli(["init", "--no-hook"])).stderr).toContain("user.name");
    expect((await box.cli(["set", "a/b", "--generate"])).stderr).toBe("");
    expect(box.git("log", "-1", "--format=%an <%ae>").trim()).toBe("agent-vault <agent-vault@localhost>");
  });

  it("that rewrites line ends and ignores our files", async () => {
    const box = new Sandbox();
    box.git("config", "core.autocrlf", "true");
    writeFileSync(join(box.repository, ".gitattributes"), "* text=auto eol=crlf\n");
    writeFileSync(join(box.repository, ".gitignore"), "*.enc\n*.key\nsecrets/\n");
    await vaultIn(box);
    await box.ok("add-agent", "bot");
    expect((await box.cli(["set", "a/b", "--exact"], { input: "\r\n\r\n" })).code).toBe(0);
    await box.ok("grant", "bot", "a");
    const clone = join(box.root, "clone");
    box.gitIn(box.root, "clone", "--quiet", box.repository, clone);
    const read = await box.cli(["get", "a/b", "--key", box.agentKey("bot")], { cwd: clone });
    expect(read.stdout.toString()).toBe("\r\n\r\n");
    expect(box.git("status", "--porcelain", "--", ".agent-vault")).toBe("");
  });

  it("with a bare-minimum PATH", async () => {
    const box = new Sandbox();
    await vaultIn(box);
    const bin = join(box.root, "bin");
    mkdirSync(bin);
    symlinkSync((await box.run("sh", ["-c", "command -v git"])).stdout.toString().trim(), join(bin, "git"));
    expect((await box.cli(["set", "a/b"], { input: "v", env: { PATH: bin } })).code).toBe(0);
    const without = await box.cli(["set", "a/b"], { input: "v", env: { PATH: "/nonexistent" } });
    expect([without.code, errorCode(without)]).toEqual([1, "GIT_MISSING"]);
  });

  it("whose hooks refuse every commit or rewrite files: they do not run", async () => {
    const box = new Sandbox();
    await vaultIn(box);
    for (const hook of ["pre-commit", "commit-msg", "prepare-commit-msg", "post-commit"]) {
      const file = box.write(`hooks/${hook}`, `#!/bin/sh\ntouch ran-${hook}\nexit 1\n`);
      chmodSync(file, 0o755);
    }
    box.git("config", "core.hooksPath", "hooks");
    expect((await box.cli(["set", "a/b"], { input: "v" })).code).toBe(0);
    expect(box.git("status", "--porcelain")).toBe("?? hooks/\n");
  });

  it("that signs commits, and a signature that fails stops the change", async () => {
    const box = new Sandbox();
    await vaultIn(box);
    const key = join(box.root, "signing");
    expect((await box.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key])).code).toBe(0);
    for (const [name, value] of [
      ["gpg.format", "ssh"],
      ["user.signingKey", `${key}.pub`],
      ["commit.gpgSign", "true"],
    ])
      box.git("config", name!, value!);
    expect((await box.cli(["set", "a/b"], { input: "v" })).code).toBe(0);
    expect(box.git("cat-file", "commit", "HEAD")).toContain("-----BEGIN SSH SIGNATURE-----");

    box.git("config", "gpg.ssh.program", "/bin/false");
    const head = box.git("rev-parse", "HEAD");
    const before = readFileSync(join(box.vault, "secrets/a/b.enc"));
    const outcome = await box.cli(["set", "a/b"], { input: "new" });
    expect([outcome.code, errorCode(outcome)]).toEqual([1, "SIGNING_FAILED"]);
    expect(box.git("rev-parse", "HEAD")).toBe(head);
    expect(readFileSync(join(box.vault, "secrets/a/b.enc"))).toEqual(before);
    expect(box.git("status", "--porcelain")).toBe("");
  });

  it("and takes the person's own edits of the vault along", async () => {
    const box = new Sandbox();
    await vaultIn(box);
    const config = join(box.vault, "config.yaml");
    writeFileSync(config, `${readFileSync(config, "utf8")}# mine\n`);
    box.write(".agent-vault/notes.txt", "a stray");
    expect((await box.cli(["set", "a/b"], { input: "v" })).code).toBe(0);
    expect(box.git("show", "HEAD:.agent-vault/config.yaml")).toContain("# mine");
    expect(box.git("status", "--porcelain")).toBe("?? .agent-vault/notes.txt\n");
  });
});

describe("a change is refused, and nothing is changed,", () => {
  it.each(["merge", "rebase", "cherry-pick"])("in the middle of a %s", async (operation) => {
    const box = new Sandbox();
    await vaultIn(box);
    box.write("file.txt", "base\n");
    box.git("add", "file.txt");
    box.git("commit", "--quiet", "--message", "base");
    box.git("checkout", "--quiet", "-b", "topic");
    box.write("file.txt", "topic\n");
    box.git("commit", "--quiet", "--all", "--message", "topic");
    box.git("checkout", "--quiet", "main");
    box.write("file.txt", "main\n");
    box.git("commit", "--quiet", "--all", "--message", "main");
    expect(() => box.git(operation, "topic")).toThrowError();
    const before = [box.git("rev-parse", "HEAD"), box.git("status", "--porcelain")];
    const outcome = await box.cli(["set", "a/b"], { input: "v" });
    expect([outcome.code, errorCode(outcome)]).toEqual([7, "REPOSITORY_BUSY"]);
    expect([box.git("rev-parse", "HEAD"), box.git("status", "--porcelain")]).toEqual(before);
    expect((await box.cli(["list"])).code).toBe(0);
  });

  it("while another git process holds the index for long", { timeout: 120_000 }, async () => {
    const box = new Sandbox();
    await vaultIn(box);
    const head = box.git("rev-parse", "HEAD");
    const lock = box.write(".git/index.lock", "");
    const outcome = await box.cli(["set", "a/b"], { input: "v" });
    expect([outcome.code, errorCode(outcome)]).toEqual([8, "BUSY"]);
    expect(outcome.stderr).toContain(lock);
    expect(box.git("rev-parse", "HEAD")).toBe(head);
  });

  it(
    "while another process that lives changes the vault, and its claim is taken for nothing once it is dead",
    { timeout: 120_000 },
    async () => {
      const box = new Sandbox();
      await vaultIn(box);
      const { withWriteLock } = await import("../../packages/vault/dist/write-lock.js");
      await withWriteLock(box.context(), join(box.repository, ".git/agent-vault"), async () => {
        const outcome = await box.cli(["set", "a/b"], { input: "v" });
        expect([outcome.code, errorCode(outcome)]).toEqual([8, "BUSY"]);
        expect((await box.cli(["list"])).code).toBe(0);
      });
      const dead = await box.run(process.execPath, [
        "--input-type=module",
        "--eval",
        `const { withWriteLock } = await import(${JSON.stringify(join(import.meta.dirname, "../../packages/vault/dist/write-lock.js"))});
       const { processContext } = await import(${JSON.stringify(join(import.meta.dirname, "../../packages/vault/dist/context.js"))});
       await withWriteLock(processContext(), ".git/agent-vault", async () => process.kill(process.pid, "SIGKILL"));`,
      ]);
      expect(dead.signal).toBe("SIGKILL");
      expect((await box.cli(["set", "a/b"], { input: "v" })).code).toBe(0);
    },
  );
});
