import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hookStatus, installHook, uninstallHook } from "@agent-vault/hooks";
import { TestRepository } from "./repository.js";

const OLD_GIT = "2.39.5";

/** A repository with a remote, and a program that writes down how it was called. */
function prepare(repository: TestRepository, exit = 0) {
  const program = join(repository.base, "it's agent-vault");
  const log = join(repository.base, "called");
  writeFileSync(
    program,
    `#!/bin/sh\nif [ "$1" = hook ]; then { echo "$#:$*"; cat; } >>'${log}'; echo noise; echo noise >&2; exit ${exit}; fi\n`,
    { mode: 0o755 },
  );
  const remote = join(repository.base, "remote $HOME.git");
  repository.git("init", "--quiet", "--bare", remote);
  repository.git("remote", "add", "origin", remote);
  repository.commit();
  return {
    remote,
    install: (gitVersion = OLD_GIT) => installHook(repository.context, repository.root, { command: [program], gitVersion }),
    uninstall: () => uninstallHook(repository.context, repository.root, { gitVersion: OLD_GIT }),
    called: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
  };
}

describe("the pre-push hook", () => {
  it.each([
    ["that works", 0],
    ["that fails", 9],
  ])("tells a program %s what goes where, says nothing and holds up no push", async (_, exit) => {
    using repository = new TestRepository();
    const { install, called, remote } = prepare(repository, exit);
    await install();
    const pushed = repository.tryGit(["push", "--quiet", "origin", "main:refs/heads/other"]);
    expect(pushed).toEqual({ code: 0, output: "" });
    const head = repository.git("rev-parse", "HEAD").trim();
    expect(called()).toBe(`4:hook pre-push origin ${remote}\nrefs/heads/main ${head} refs/heads/other ${"0".repeat(40)}\n`);
  });

  it("pushes where there is no agent-vault any more, and a program of the repository is not started", async () => {
    using repository = new TestRepository();
    await prepare(repository).install();
    repository.git("config", "agent-vault.command", "'/nowhere/node' '/nowhere/agent-vault.js'");
    repository.write("node_modules/.bin/agent-vault", "#!/bin/sh\ntouch owned\n", 0o755);
    expect(repository.tryGit(["push", "--quiet", "origin", "main"])).toEqual({ code: 0, output: "" });
    expect(repository.exists("owned")).toBe(false);
  });

  it.each([
    ["a shell script", "#!/bin/sh -e\ncat >ran\necho $1 >>ran\nexit ${HOOK_CODE:-0}\n"],
    ["a script of bash without a last line break", "#!/usr/bin/env bash\nset -u\ncat >ran; echo $1 >>ran; exit ${HOOK_CODE:-0}"],
    [
      "a program",
      "#!/usr/bin/env node\nrequire('node:fs').writeFileSync('ran', require('node:fs').readFileSync(0) + process.argv[2] + '\\n');process.exit(Number(process.env.HOOK_CODE || 0));\n",
    ],
  ])("lets %s that was there read what is pushed, and stop it; and goes without a trace", async (_, script) => {
    using repository = new TestRepository();
    const { install, uninstall, called } = prepare(repository);
    repository.write(".git/hooks/pre-push", script, 0o755);
    const config = repository.read(".git/config");
    await install();
    const once = repository.read(".git/hooks/pre-push").toString();
    await install();
    expect(repository.read(".git/hooks/pre-push").toString()).toBe(once);
    expect(repository.tryGit(["push", "--quiet", "origin", "main"], { env: { HOOK_CODE: "9" } }).code).not.toBe(0);
    expect(repository.tryGit(["push", "--quiet", "origin", "main"])).toEqual({ code: 0, output: "" });
    const head = repository.git("rev-parse", "HEAD").trim();
    const line = `refs/heads/main ${head} refs/heads/main ${"0".repeat(40)}\n`;
    expect(repository.read("ran").toString()).toBe(`${line}origin\n`);
    expect(called().split("\n")).toContain(line.trim());
    // Nothing to push is nothing to read.
    repository.tryGit(["push", "--quiet", "origin", "main"]);
    expect(repository.read("ran").toString()).toBe("origin\n");

    await uninstall();
    expect(repository.read(".git/hooks/pre-push").toString()).toBe(script);
    expect(statSync(repository.path(".git/hooks/pre-push")).mode & 0o777).toBe(0o755);
    expect(repository.read(".git/config")).toEqual(config);
    expect(repository.exists(".git/hooks/pre-push.agent-vault-chained")).toBe(false);
  });

  it("is in husky's tracked hook beside the check", async () => {
    using repository = new TestRepository();
    const { install, uninstall, called } = prepare(repository);
    repository.git("config", "core.hooksPath", ".husky/_");
    const stub = '#!/usr/bin/env sh\nexec sh -e "$(dirname "$(dirname "$0")")/$(basename "$0")" "$@"\n';
    for (const name of ["pre-commit", "pre-push"]) chmodSync(repository.write(`.husky/_/${name}`, stub), 0o755);
    repository.write(".husky/pre-push", "cat >ran\n");
    expect(await install()).toMatchObject({ method: "husky", installed: true });
    expect(repository.tryGit(["push", "--quiet", "origin", "main"])).toEqual({ code: 0, output: "" });
    expect(called()).toContain("refs/heads/main");
    expect(repository.read("ran").toString()).toContain("refs/heads/main");
    await uninstall();
    expect(repository.read(".husky/pre-push").toString()).toBe("cat >ran\n");
    expect(repository.exists(".husky/pre-commit")).toBe(false);
  });

  it.each(["lefthook.yml", ".pre-commit-config.yaml"])("is a hook of git's own beside the job in %s", async (file) => {
    using repository = new TestRepository();
    const { install, uninstall, called } = prepare(repository);
    const yaml = file === "lefthook.yml" ? "colors: false\n" : "repos:\n- repo: local\n  hooks: []\n";
    repository.write(file, yaml);
    await install();
    expect(repository.tryGit(["push", "--quiet", "origin", "main"])).toEqual({ code: 0, output: "" });
    expect(called()).toContain("refs/heads/main");
    await uninstall();
    expect(repository.read(file).toString()).toBe(yaml);
    expect(repository.exists(".git/hooks/pre-push")).toBe(false);
  });

  it("is a hook of the configuration from git 2.54 on, as the shell runs it", async () => {
    using repository = new TestRepository();
    const { install, called } = prepare(repository, 9);
    await install("2.54.0");
    expect(repository.git("config", "--get", "hook.agent-vault-push.event")).toBe("pre-push\n");
    repository.git(
      "config",
      "alias.as-git-runs-it",
      `!f() { echo a b c d | sh -c "$(git config hook.agent-vault-push.command) \\"\\$@\\"" hook "$@"; }; f`,
    );
    expect(repository.tryGit(["as-git-runs-it", "origin", "the url"])).toEqual({ code: 0, output: "" });
    expect(called()).toBe("4:hook pre-push origin the url\na b c d\n");
    await uninstallHook(repository.context, repository.root, { gitVersion: "2.54.0" });
    expect(repository.tryGit(["config", "--get-regexp", "agent-vault"]).code).toBe(1);
  });

  it("keeps nothing from the check: where its hook cannot be written, that is a warning", async () => {
    using repository = new TestRepository();
    const { install } = prepare(repository);
    mkdirSync(repository.path(".git/hooks"), { recursive: true });
    repository.write(".git/hooks/pre-push", "#!/usr/bin/env node\n", 0o755);
    repository.write(".git/hooks/pre-push.agent-vault-chained", "someone's\n");
    expect((await install()).installed).toBe(true);
    expect(repository.warnings).toEqual([expect.stringContaining("pre-push")]);
    expect((await hookStatus(repository.context, repository.root, { gitVersion: OLD_GIT })).installed).toBe(true);
  });
});
