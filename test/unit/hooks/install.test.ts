import { existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { hookStatus, installHook, uninstallHook } from "@agent-vault/hooks";
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

const OLD_GIT = "2.39.5";
const install = (repository: TestRepository, cwd = repository.root) =>
  installHook(repository.context, cwd, { command: program.command, gitVersion: OLD_GIT });
const status = (repository: TestRepository) => hookStatus(repository.context, repository.root, { gitVersion: OLD_GIT });
const uninstall = (repository: TestRepository) => uninstallHook(repository.context, repository.root, { gitVersion: OLD_GIT });

/** A real commit of a key, then of a clean file. */
function expectGuarded(repository: TestRepository, options: { cwd?: string; env?: Record<string, string> } = {}): void {
  const run = (...args: string[]) => repository.tryGit(args, options);
  const folder = options.cwd ?? repository.root;
  writeFileSync(join(folder, "leak.txt"), `\n${identity}\n`);
  run("add", "leak.txt");
  const blocked = run("commit", "-m", "leak");
  expect(blocked.code, blocked.output).not.toBe(0);
  expect(blocked.output).toContain("leak.txt:2 holds an age identity.");
  run("rm", "--quiet", "-f", "leak.txt");
  writeFileSync(join(folder, "clean.txt"), `clean ${Math.random()}\n`);
  run("add", "clean.txt");
  const passed = run("commit", "-m", "clean");
  expect(passed.code, passed.output).toBe(0);
}

/** Install, install again, take out: the same bytes and modes in every file of the repository as before. */
async function expectReversible(repository: TestRepository, files: readonly string[]): Promise<void> {
  const state = () =>
    Object.fromEntries(
      [".git/config", ...files].map((file) => [
        file,
        repository.exists(file) ? [repository.read(file).toString("latin1"), statSync(repository.path(file)).mode] : undefined,
      ]),
    );
  const before = state();
  const result = await install(repository);
  expect(result.installed).toBe(true);
  expect(await status(repository)).toEqual(result);
  const installed = state();
  expect(installed).not.toEqual(before);
  expect(await install(repository)).toEqual(result);
  expect(state()).toEqual(installed);
  await uninstall(repository);
  expect(state()).toEqual(before);
  expect((await status(repository)).installed).toBe(false);
  await uninstall(repository);
  expect(state()).toEqual(before);
}

describe(".git/hooks/pre-commit", () => {
  const HOOK = ".git/hooks/pre-commit";

  test("where there is no hook, one is made, and it goes again", async () => {
    using repository = new TestRepository();
    expect(await status(repository)).toEqual({ method: "git-hooks", file: repository.path(HOOK), installed: false });
    expect(await install(repository)).toEqual({ method: "git-hooks", file: repository.path(HOOK), installed: true });
    expectGuarded(repository);
    await uninstall(repository);
    await expectReversible(repository, [HOOK]);
  });

  test("a commit of part of what is staged is checked as that part", async () => {
    using repository = new TestRepository();
    repository.commit();
    await install(repository);
    repository.write("leak.txt", identity);
    repository.write("clean.txt", "clean\n");
    repository.git("add", ".");
    expect(repository.tryGit(["commit", "-m", "part", "clean.txt"]).code).toBe(0);
    expect(repository.tryGit(["commit", "-m", "part", "leak.txt"]).code).not.toBe(0);
    expect(repository.tryGit(["commit", "-a", "-m", "all"]).code).not.toBe(0);
    expect(repository.tryGit(["commit", "--no-verify", "-m", "all"]).code).toBe(0);
  });

  test.each([
    ["of sh", "#!/bin/sh\necho first\necho ran >ran\n"],
    ["of bash by way of env", "#!/usr/bin/env bash\necho ran >ran\n"],
    ["without a first line for the kernel", "echo ran >ran\n"],
    ["with options and without a last line break", "#!/bin/sh -e\necho ran >ran"],
  ])("a hook %s keeps its lines, and runs after the check", async (_, script) => {
    using repository = new TestRepository();
    repository.write(HOOK, script, 0o755);
    await expectReversible(repository, [HOOK]);
    await install(repository);
    expect(repository.exists("ran")).toBe(false);
    expectGuarded(repository);
    expect(repository.exists("ran")).toBe(true);
  });

  test("a hook of one line, without a line break, comes back as it was", async () => {
    using repository = new TestRepository();
    repository.write(HOOK, "#!/bin/sh", 0o755);
    await expectReversible(repository, [HOOK]);
    await install(repository);
    expectGuarded(repository);
  });

  test("a hook with bytes that are no UTF-8 comes back as it was", async () => {
    using repository = new TestRepository();
    repository.write(HOOK, Buffer.from("#!/bin/sh\n# \xff\xfe\r\ntrue\n", "latin1"), 0o700);
    await expectReversible(repository, [HOOK]);
  });

  test("the failure of a hook that was there still counts", async () => {
    using repository = new TestRepository();
    repository.write(HOOK, "#!/bin/sh\nexit 7\n", 0o755);
    await install(repository);
    repository.stage("clean.txt", "clean\n");
    expect(repository.tryGit(["commit", "-m", "x"]).code).not.toBe(0);
    await uninstall(repository);
    expect(repository.tryGit(["commit", "-m", "x"]).code).not.toBe(0);
  });

  const PROGRAM =
    "#!/usr/bin/env node\nrequire('node:fs').writeFileSync('ran', process.argv.slice(2).join());\nprocess.exit(Number(process.env.HOOK_CODE || 0));\n";

  test.each([
    ["a program", PROGRAM],
    [
      "a shell script that is a program from its second line on",
      "#!/bin/sh\n':' //; exec node \"$0\" \"$@\"\nrequire('node:fs').writeFileSync('ran', ''); process.exit(Number(process.env.HOOK_CODE || 0));\n",
    ],
  ])("%s is moved aside and runs next, and its failure counts", async (_, script) => {
    using repository = new TestRepository();
    const aside = `${HOOK}.agent-vault-chained`;
    repository.write(HOOK, script, 0o755);
    await expectReversible(repository, [HOOK, aside]);
    await install(repository);
    expect(repository.read(aside).toString()).toBe(script);
    expectGuarded(repository);
    expect(repository.exists("ran")).toBe(true);
    repository.stage("more.txt", "more\n");
    expect(repository.tryGit(["commit", "-m", "x"], { env: { HOOK_CODE: "9" } }).code).not.toBe(0);
  });

  test("a binary hook is not read as a script", async () => {
    using repository = new TestRepository();
    repository.write(HOOK, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff]), 0o755);
    await expectReversible(repository, [HOOK, `${HOOK}.agent-vault-chained`]);
    await install(repository);
    expect(repository.read(HOOK).toString("latin1")).not.toContain("ELF");
  });

  test("a hook that was switched off stays switched off", async () => {
    using repository = new TestRepository();
    repository.write(HOOK, "#!/bin/sh\nexit 1\n", 0o644);
    await expectReversible(repository, [HOOK, `${HOOK}.agent-vault-chained`]);
    await install(repository);
    expectGuarded(repository);
  });

  test("a hook that is a link to a tracked script: the script is not touched", async () => {
    using repository = new TestRepository();
    repository.write("scripts/check.sh", "#!/bin/sh\necho ran >ran\n", 0o755);
    mkdirSync(repository.path(".git/hooks"), { recursive: true });
    symlinkSync("../../scripts/check.sh", repository.path(HOOK));
    await install(repository);
    expectGuarded(repository);
    expect(repository.exists("ran")).toBe(true);
    expect(repository.read("scripts/check.sh").toString()).toBe("#!/bin/sh\necho ran >ran\n");
    await uninstall(repository);
    expect(readlinkSync(repository.path(HOOK))).toBe("../../scripts/check.sh");
  });

  test("a file where the old hook would be moved to is not overwritten", async () => {
    using repository = new TestRepository();
    repository.write(HOOK, PROGRAM, 0o755);
    repository.write(`${HOOK}.agent-vault-chained`, "someone's\n");
    await expect(install(repository)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect(repository.read(HOOK).toString()).toBe(PROGRAM);
    expect(repository.read(`${HOOK}.agent-vault-chained`).toString()).toBe("someone's\n");
  });

  test("lines that a person adds to our hook stay when it is taken out", async () => {
    using repository = new TestRepository();
    await install(repository);
    repository.write(HOOK, `${repository.read(HOOK).toString()}npm test\n`);
    await uninstall(repository);
    expect(repository.read(HOOK).toString()).toMatch(/^#!\/bin\/sh\n.*\nnpm test\n$/);
  });

  test("an old block is brought up to date in place", async () => {
    using repository = new TestRepository();
    repository.write(HOOK, "#!/bin/sh\necho first >first\n# >>> agent-vault >>> of old\nfalse\n# <<< agent-vault <<<\necho last\n", 0o755);
    await install(repository);
    expectGuarded(repository);
    await uninstall(repository);
    expect(repository.read(HOOK).toString()).toBe("#!/bin/sh\necho first >first\necho last\n");
  });

  test("a linked work tree shares the hook", async () => {
    using repository = new TestRepository();
    repository.commit();
    const linked = join(repository.base, "linked");
    repository.git("worktree", "add", "--quiet", linked);
    expect(await install(repository, linked)).toEqual({ method: "git-hooks", file: repository.path(HOOK), installed: true });
    expectGuarded(repository, { cwd: linked });
    expectGuarded(repository);
    await uninstall(repository);
    expect(repository.exists(HOOK)).toBe(false);
  });

  test("from a folder below the root, and where no folder of hooks is", async () => {
    using repository = new TestRepository();
    mkdirSync(repository.path("a/b"), { recursive: true });
    expect(await install(repository, repository.path("a/b"))).toEqual({
      method: "git-hooks",
      file: repository.path(HOOK),
      installed: true,
    });
    expectGuarded(repository);
  });
});

describe("how the hook finds agent-vault", () => {
  /** A program called agent-vault that would do anything at all. */
  const impostor = (file: string): void => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `#!/bin/sh\necho "impostor $0 $*" >&2\nexit 3\n`, { mode: 0o755 });
  };

  test("by the command of the install, whatever the PATH has", async () => {
    using repository = new TestRepository();
    await install(repository);
    impostor(join(repository.base, "bin/agent-vault"));
    expectGuarded(repository, { env: { PATH: `${repository.base}/bin:${repository.env["PATH"]}` } });
  });

  test("on the PATH where that command is gone", async () => {
    using repository = new TestRepository();
    await install(repository);
    repository.git("config", "agent-vault.command", "'/nowhere/node' '/nowhere/agent-vault.js'");
    impostor(join(repository.base, "bin/agent-vault"));
    repository.stage("clean.txt", "clean\n");
    const { output } = repository.tryGit(["commit", "-m", "x"], { env: { PATH: `${repository.base}/bin:${repository.env["PATH"]}` } });
    expect(output).toContain(`impostor ${repository.base}/bin/agent-vault scan --staged`);
  });

  test.each([".", "", "node_modules/.bin"])("never a program of the repository, by a PATH with %j or without", async (folder) => {
    using repository = new TestRepository();
    await install(repository);
    repository.git("config", "--unset", "agent-vault.command");
    impostor(repository.path("agent-vault"));
    impostor(repository.path("node_modules/.bin/agent-vault"));
    repository.stage("clean.txt", "clean\n");
    const { code, output } = repository.tryGit(["commit", "-m", "x"], { env: { PATH: `${folder}:${repository.env["PATH"]}` } });
    expect(code).not.toBe(0);
    expect(output).not.toContain("impostor");
    expect(output).toContain("agent-vault hook install");
  });

  test("the project's own program in a hook that comes with the project, where nothing else is there", async () => {
    using repository = new TestRepository();
    repository.git("config", "core.hooksPath", ".githooks");
    await install(repository);
    impostor(repository.path("node_modules/.bin/agent-vault"));
    expectGuarded(repository);
    repository.git("config", "--unset", "agent-vault.command");
    const { output } = repository.tryGit(["commit", "--allow-empty", "-m", "x"]);
    expect(output).toContain("impostor node_modules/.bin/agent-vault scan --staged");
  });

  test("by the command of the install, with a PATH as graphical clients have it", async () => {
    using repository = new TestRepository();
    await install(repository);
    expectGuarded(repository, { env: { PATH: "/usr/bin:/bin" } });
  });

  test("a commit that cannot be checked fails, and says what to do", async () => {
    using repository = new TestRepository();
    await install(repository);
    repository.git("config", "agent-vault.command", "'/nowhere/node' '/nowhere/agent-vault.js'");
    repository.stage("clean.txt", "clean\n");
    for (const change of [[], ["config", "--unset", "agent-vault.command"]]) {
      if (change.length > 0) repository.git(...change);
      const { code, output } = repository.tryGit(["commit", "-m", "x"]);
      expect(code).not.toBe(0);
      expect(output).toContain("agent-vault hook install");
      expect(output.trim().split("\n")).toHaveLength(1);
    }
  });

  test("a command with anything in its words is passed on as it is, and nothing in it runs", async () => {
    using repository = new TestRepository();
    const folder = join(repository.base, 'it\'s $(touch owned) `touch owned` "x" \\ ; touch owned\n&');
    mkdirSync(folder);
    const program = join(folder, "$HOME *.sh");
    writeFileSync(program, '#!/bin/sh\nprintf "%s" "$0" >ran\n', { mode: 0o755 });
    await installHook(repository.context, repository.root, { command: [program], gitVersion: OLD_GIT });
    repository.stage("clean.txt", "clean\n");
    expect(repository.tryGit(["commit", "-m", "x"]).code).toBe(0);
    expect(repository.read("ran").toString()).toBe(program);
    expect(repository.exists("owned")).toBe(false);
  });
});

describe("git 2.54 and later: a hook of the configuration", () => {
  const options = () => ({ command: program.command, gitVersion: "2.54.0" });

  test("the settings that git reads, and what the shell makes of them", async () => {
    using repository = new TestRepository();
    repository.write(".husky/pre-commit", "npm test\n");
    repository.git("config", "core.hooksPath", ".husky/_");
    const before = repository.read(".git/config");
    const place = { method: "git-config", file: repository.path(".git/config") };
    expect(await hookStatus(repository.context, repository.root, options())).toEqual({ ...place, installed: false });
    for (let times = 0; times < 2; times++)
      expect(await installHook(repository.context, repository.root, options())).toEqual({ ...place, installed: true });
    expect(repository.git("config", "--local", "--get-all", "hook.agent-vault.event")).toBe("pre-commit\n");
    const command = repository.git("config", "--local", "--get-all", "hook.agent-vault.command").trimEnd();
    expect(command).not.toContain("\n");
    expect(repository.read(".husky/pre-commit").toString()).toBe("npm test\n");

    // As git runs it: by sh, with "$@" after it.
    repository.git("config", "alias.hook-as-git-runs-it", `!f() { sh -c "$(git config hook.agent-vault.command) \\"\\$@\\"" hook; }; f`);
    repository.stage("leak.txt", identity);
    expect(repository.tryGit(["hook-as-git-runs-it"]).output).toContain("leak.txt:1 holds an age identity.");
    repository.stage("leak.txt", "clean\n");
    expect(repository.tryGit(["hook-as-git-runs-it"])).toEqual({ code: 0, output: "" });
    repository.git("config", "--remove-section", "alias");

    expect(await hookStatus(repository.context, repository.root, options())).toEqual({ ...place, installed: true });
    await uninstallHook(repository.context, repository.root, options());
    expect(repository.read(".git/config")).toEqual(before);
    expect((await hookStatus(repository.context, repository.root, options())).installed).toBe(false);
  });

  test.each([
    ["2.53.9", "git-hooks"],
    ["2.54.0", "git-config"],
    ["2.54.0.windows.1", "git-config"],
    ["2.100.1", "git-config"],
    ["3.0.0-rc1", "git-config"],
    ["1.99.0", "git-hooks"],
  ])("git %s: %s", async (gitVersion, method) => {
    using repository = new TestRepository();
    expect(await hookStatus(repository.context, repository.root, { gitVersion })).toMatchObject({ method });
  });

  test("the version is asked of git itself", async () => {
    using repository = new TestRepository();
    const [major, minor] = repository.git("version").match(/\d+/g)!.map(Number);
    const method = major! > 2 || (major === 2 && minor! >= 54) ? "git-config" : "git-hooks";
    expect(await hookStatus(repository.context, repository.root)).toMatchObject({ method });
  });

  test("what an older git left in the hooks folder stays in use, and one uninstall takes out both", async () => {
    using repository = new TestRepository();
    await install(repository);
    expect(await installHook(repository.context, repository.root, options())).toMatchObject({ method: "git-hooks" });
    renameSync(repository.path(".git/hooks/pre-commit"), repository.path(".git/hooks/kept"));
    expect(await installHook(repository.context, repository.root, options())).toMatchObject({ method: "git-config" });
    renameSync(repository.path(".git/hooks/kept"), repository.path(".git/hooks/pre-commit"));
    await uninstall(repository);
    expect(repository.exists(".git/hooks/pre-commit")).toBe(false);
    expect(repository.read(".git/config").toString()).not.toContain("agent-vault");
  });
});

describe("husky", () => {
  /** What `husky` itself sets up, cut down to the hook that matters. */
  function withHusky(repository: TestRepository, folder = ".husky"): void {
    repository.git("config", "core.hooksPath", `${folder}/_`);
    repository.write(`${folder}/_/.gitignore`, "*");
    repository.write(
      `${folder}/_/h`,
      '#!/usr/bin/env sh\nn=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n[ ! -f "$s" ] && exit 0\nexport PATH="node_modules/.bin:$PATH"\nsh -e "$s" "$@"\n',
    );
    repository.write(`${folder}/_/pre-commit`, '#!/usr/bin/env sh\n. "$(dirname "$0")/h"', 0o755);
  }

  test.each([
    ["with a hook", "npm test --silent || true\n"],
    ["without one", undefined],
    ["with a hook of husky 8", '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh" || true\n\ntrue\n'],
  ])("%s: a block in the tracked hook", async (_, hook) => {
    using repository = new TestRepository();
    withHusky(repository);
    repository.write(".husky/_/husky.sh", "");
    if (hook !== undefined) repository.write(".husky/pre-commit", hook);
    await expectReversible(repository, [".husky/pre-commit", ".husky/_/pre-commit"]);
    expect(await install(repository)).toEqual({ method: "husky", file: repository.path(".husky/pre-commit"), installed: true });
    expect(repository.warnings).toEqual([]);
    expectGuarded(repository);
  });

  test("nothing of this machine is written into the tracked hook", async () => {
    using repository = new TestRepository();
    withHusky(repository, "hooks");
    await install(repository);
    const text = repository.read("hooks/pre-commit").toString();
    for (const word of [...program.command, repository.base]) expect(text).not.toContain(word);
  });

  test("the failure of the tracked hook still counts", async () => {
    using repository = new TestRepository();
    withHusky(repository);
    repository.write(".husky/pre-commit", "false\ntrue\n");
    await install(repository);
    repository.stage("clean.txt", "clean\n");
    expect(repository.tryGit(["commit", "-m", "x"]).code).not.toBe(0);
  });

  test("where husky was never set up, as in a linked work tree, the person is told", async () => {
    using repository = new TestRepository();
    withHusky(repository);
    repository.commit();
    const linked = join(repository.base, "linked");
    repository.git("worktree", "add", "--quiet", linked);
    expect(await install(repository, linked)).toMatchObject({ method: "husky", file: join(linked, ".husky/pre-commit") });
    expect(repository.warnings).toHaveLength(1);
  });

  test.each([
    ["out of the repository", "../../home/.bashrc"],
    ["to a file of git's own", "../.git/config"],
  ])("a tracked hook that is a link %s is refused, and nothing is written through it", async (_, target) => {
    using repository = new TestRepository();
    withHusky(repository);
    symlinkSync(target, repository.path(".husky/pre-commit"));
    const led = join(repository.root, ".husky", target);
    if (!existsSync(led)) writeFileSync(led, "alias ls=ls\n");
    const before = readFileSync(led);
    await expect(install(repository)).rejects.toMatchObject({ code: "UNWRITABLE" });
    expect((await status(repository)).installed).toBe(false);
    await uninstall(repository);
    expect(readFileSync(led)).toEqual(before);
    expect(readlinkSync(repository.path(".husky/pre-commit"))).toBe(target);
  });

  test("a hook from before husky is cleaned up as well", async () => {
    using repository = new TestRepository();
    await install(repository);
    withHusky(repository);
    await uninstall(repository);
    expect(repository.exists(".git/hooks/pre-commit")).toBe(false);
  });
});

describe("lefthook", () => {
  const runs = (text: string): string => {
    const hook = parse(text)["pre-commit"];
    return hook.commands?.["agent-vault"]?.run ?? hook.jobs.find(({ name }: { name: string }) => name === "agent-vault").run;
  };

  test.each([
    ["an empty file", ""],
    ["comments only", "# nothing yet\n"],
    ["another hook", "pre-push:\n  commands:\n    test: {run: npm test} # slow\n"],
    ["no line break at the end", "colors: false"],
    [
      "commands",
      "# ours\npre-commit:\n  parallel: true\n  commands:\n    # the linter\n    lint:\n      run: npm run lint   # fast\n\n    test: { run: npm test }\npre-push: {}\n",
    ],
    [
      "jobs",
      "pre-commit:\n    jobs:\n    - run: npm run lint\n      glob: '*.js'\n    # and\n    - name: test\n      run: |\n        npm test\n\n        true\n",
    ],
    ["scripts", "pre-commit:\n  scripts:\n    'check.sh':\n      runner: bash\n"],
    ["Windows line breaks", "pre-commit:\r\n  commands:\r\n    lint:\r\n      run: npm run lint\r\n"],
    ["anchors", "x: &x\n  run: npm test\npre-commit:\n  commands:\n    test: *x\n    more:\n      <<: *x\n"],
  ])("%s: the job is added and everything else stays", async (_, text) => {
    using repository = new TestRepository();
    repository.write("lefthook.yml", text);
    await expectReversible(repository, ["lefthook.yml"]);
    expect(await install(repository)).toEqual({ method: "lefthook", file: repository.path("lefthook.yml"), installed: true });
    const changed = repository.read("lefthook.yml").toString();
    for (const line of text.split("\n")) expect(changed).toContain(line);

    writeFileSync(join(repository.base, "job.sh"), runs(changed));
    repository.stage("leak.txt", identity);
    repository.git("config", "alias.job", `!sh ${join(repository.base, "job.sh")}`);
    expect(repository.tryGit(["job"]).output).toContain("leak.txt:1 holds an age identity.");
    repository.stage("leak.txt", "clean\n");
    expect(repository.tryGit(["job"])).toEqual({ code: 0, output: "" });
  });

  test.each([
    ["lefthook.toml", "[pre-commit]\n"],
    [".config/lefthook.json", "{}\n"],
    ["lefthook.yml", "pre-commit: {commands: {lint: {run: npm test}}}\n"],
    ["lefthook.yml", "pre-commit: 3\n"],
    ["lefthook.yml", "colors:\npre-commit: {}\n"],
    ["lefthook.yml", "a: b\n---\nc: d\n"],
    ["lefthook.yml", "a: [\n"],
    ["lefthook.yml", Buffer.from("# \xff\na: b\n", "latin1")],
  ])("%s that lines cannot be added to is left alone, and the person is told what to add", async (file, text) => {
    using repository = new TestRepository();
    repository.write(file, text);
    const config = repository.read(".git/config");
    const result = await install(repository);
    expect(result).toMatchObject({ method: "lefthook", file: repository.path(file), installed: false });
    if (file.endsWith(".toml")) expect(result.manual).toBe('[pre-commit.commands.agent-vault]\nrun = "agent-vault scan --staged"\n');
    else
      expect(file.endsWith(".json") ? JSON.parse(result.manual!) : parse(result.manual!)).toEqual({
        "pre-commit": { commands: { "agent-vault": { run: "agent-vault scan --staged" } } },
      });
    expect(repository.read(file)).toEqual(Buffer.from(text));
    // The merge driver is no hook.
    expect(repository.git("config", "--get", "merge.agent-vault.recursive")).toBe("binary\n");
    await uninstall(repository);
    expect(repository.read(".git/config")).toEqual(config);
    expect(repository.read(file)).toEqual(Buffer.from(text));
  });

  test("a configuration that is a link is left alone: what it leads to is not copied into the repository", async () => {
    using repository = new TestRepository();
    const token = join(repository.env["HOME"]!, "hosts.yml");
    writeFileSync(token, "oauth_token: abc\n");
    symlinkSync(token, repository.path("lefthook.yml"));
    expect(await install(repository)).toMatchObject({ method: "lefthook", installed: false });
    await uninstall(repository);
    expect(readlinkSync(repository.path("lefthook.yml"))).toBe(token);
    expect(readFileSync(token, "utf8")).toBe("oauth_token: abc\n");
  });

  test("where lefthook is not set up in this clone, the person is told", async () => {
    using repository = new TestRepository();
    repository.write("lefthook.yml", "colors: false\n");
    await install(repository);
    expect(repository.warnings).toHaveLength(1);
    repository.write(".git/hooks/pre-commit", "#!/bin/sh\nlefthook run pre-commit\n", 0o755);
    await install(repository);
    expect(repository.warnings).toHaveLength(1);
  });
});

describe("pre-commit", () => {
  const FILE = ".pre-commit-config.yaml";

  test.each([
    ["as its manual writes it", "repos:\n-   repo: https://example.com/hooks # pinned\n    rev: v1\n    hooks:\n    -   id: x\n"],
    ["indented", "default_stages: [pre-commit]\nrepos:\n  # first\n  - repo: local\n    hooks: []\nfail_fast: true"],
  ])("%s: a local hook is added and everything else stays", async (_, text) => {
    using repository = new TestRepository();
    repository.write(FILE, text);
    await expectReversible(repository, [FILE]);
    expect(await install(repository)).toEqual({ method: "pre-commit", file: repository.path(FILE), installed: true });
    const changed = repository.read(FILE).toString();
    for (const line of text.split("\n")) expect(changed).toContain(line);
    expect(parse(changed).repos).toHaveLength(2);
    const [hook] = parse(changed).repos[0].hooks;
    expect(hook).toMatchObject({ id: "agent-vault", language: "system", pass_filenames: false, always_run: true });

    // pre-commit splits the entry as a shell would, and a shell does so here.
    writeFileSync(join(repository.base, "entry.sh"), hook.entry);
    repository.git("config", "alias.entry", `!sh ${join(repository.base, "entry.sh")}`);
    repository.stage("leak.txt", identity);
    expect(repository.tryGit(["entry"]).output).toContain("leak.txt:1 holds an age identity.");
    repository.stage("leak.txt", "clean\n");
    expect(repository.tryGit(["entry"])).toEqual({ code: 0, output: "" });
  });

  test.each(["repos: []\n", "", "[]\n", "repos: {}\n"])("%j is left alone, and the person is told what to add", async (text) => {
    using repository = new TestRepository();
    repository.write(FILE, text);
    const result = await install(repository);
    expect(result).toMatchObject({ method: "pre-commit", installed: false });
    expect(parse(result.manual!).repos[0].hooks[0].entry).toBe("agent-vault scan --staged");
    expect(repository.read(FILE).toString()).toBe(text);
  });
});

describe("core.hooksPath", () => {
  test.each([".githooks", ".git/my-hooks"])("inside the repository (%s): a block there", async (folder) => {
    using repository = new TestRepository();
    repository.git("config", "core.hooksPath", folder);
    const file = `${folder}/pre-commit`;
    repository.write(file, "#!/bin/sh\necho ran >ran\n", 0o755);
    await expectReversible(repository, [file]);
    expect(await install(repository)).toEqual({ method: "hooks-path", file: repository.path(file), installed: true });
    expectGuarded(repository);
    expect(repository.exists("ran")).toBe(true);
  });

  test.each(["relative to a folder", "absolute", "by a link"])(
    "outside the repository (%s): nothing is written, and the person is told what to add",
    async (how) => {
      using repository = new TestRepository();
      const outside = join(repository.base, "shared");
      mkdirSync(outside);
      symlinkSync(outside, repository.path("link"));
      repository.git("config", "core.hooksPath", { "relative to a folder": "../shared", absolute: outside, "by a link": "link" }[how]!);
      const config = repository.read(".git/config");
      const result = await install(repository);
      expect(result).toMatchObject({ method: "outside", installed: false });
      expect(existsSync(join(outside, "pre-commit"))).toBe(false);
      expect((await status(repository)).installed).toBe(false);
      await uninstall(repository);
      expect(repository.read(".git/config")).toEqual(config);

      writeFileSync(join(outside, "pre-commit"), `#!/bin/sh\n${result.manual}`, { mode: 0o755 });
      expect((await status(repository)).installed).toBe(true);
      repository.git("config", "agent-vault.command", program.command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" "));
      expectGuarded(repository);
      await uninstall(repository);
      expect(readFileSync(join(outside, "pre-commit"), "utf8")).toContain("agent-vault");
    },
  );

  test("a hook there that is a link out of the repository is not written through", async () => {
    using repository = new TestRepository();
    repository.git("config", "core.hooksPath", ".githooks");
    const outside = join(repository.base, "bashrc");
    writeFileSync(outside, "alias ls=ls\n");
    mkdirSync(repository.path(".githooks"));
    symlinkSync(outside, repository.path(".githooks/pre-commit"));
    await install(repository);
    expect(readFileSync(outside, "utf8")).toBe("alias ls=ls\n");
    expectGuarded(repository);
    await uninstall(repository);
    expect(readlinkSync(repository.path(".githooks/pre-commit"))).toBe(outside);
  });

  test("that is the usual folder, spelled out", async () => {
    using repository = new TestRepository();
    repository.git("config", "core.hooksPath", repository.path(".git/hooks"));
    expect(await install(repository)).toMatchObject({ method: "git-hooks" });
  });
});

describe("where it cannot be installed", () => {
  test("no repository, and a bare one", async () => {
    using repository = new TestRepository();
    const home = repository.env["HOME"]!;
    await expect(install(repository, home)).rejects.toMatchObject({ code: "REPOSITORY_NOT_FOUND" });
    repository.git("init", "--quiet", "--bare", join(home, "bare"));
    await expect(install(repository, join(home, "bare"))).rejects.toMatchObject({ code: "REPOSITORY_NOT_FOUND" });
  });

  test("a folder of hooks that is a file", async () => {
    using repository = new TestRepository();
    repository.write(".git/hooks", "");
    await expect(install(repository)).rejects.toMatchObject({ code: "UNWRITABLE" });
    expect(repository.git("config", "--local", "--list")).not.toContain("agent-vault");
  });
});
