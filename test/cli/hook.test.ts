import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateX25519Identity } from "age-encryption";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Sandbox } from "../support/sandbox.js";

let box: Sandbox;
let identity: string;

beforeEach(async () => {
  box = new Sandbox();
  identity = await generateX25519Identity();
});

function withHusky(): void {
  box.git("config", "core.hooksPath", ".husky/_");
  chmodSync(box.write(".husky/_/pre-commit", '#!/bin/sh\nexec sh -e "$(dirname "$(dirname "$0")")/pre-commit"\n'), 0o755);
}

/** A folder with a git that gives itself out to be older than 2.54, which has a better place for the hook than these. */
function oldGit(): string {
  const folder = join(box.root, "bin");
  mkdirSync(folder);
  const script = `#!/bin/sh\nPATH="\${PATH#*:}"\ncase "$*" in *" version") echo git version 2.39.5 ;; *) exec git "$@" ;; esac\n`;
  writeFileSync(join(folder, "git"), script, { mode: 0o755 });
  return folder;
}

const commit = () => box.run("git", ["commit", "--quiet", "--allow-empty", "-m", "x"]);

describe("hook install, by the bundled program", () => {
  const job = (file: string) => parse(readFileSync(join(box.repository, file), "utf8"));

  it.each<[string, string, () => void, () => Promise<{ code: number | null }>]>([
    [
      "lefthook",
      "lefthook.yml",
      () => box.write("lefthook.yml", "colors: false\n"),
      () => box.run("sh", ["-c", job("lefthook.yml")["pre-commit"].commands["agent-vault"].run]),
    ],
    [
      "pre-commit",
      ".pre-commit-config.yaml",
      () => box.write(".pre-commit-config.yaml", "repos:\n- repo: local\n  hooks: []\n"),
      () => box.run("sh", ["-c", job(".pre-commit-config.yaml").repos[0].hooks[0].entry]),
    ],
    ["husky", ".husky/pre-commit", withHusky, commit],
    ["git-hooks", ".git/hooks/pre-commit", () => {}, commit],
  ])("%s: in %s, and it stops a key", async (method, file, prepare, run) => {
    prepare();
    const options = { env: { PATH: `${oldGit()}:${box.env["PATH"]}` } };
    const hook = async (word: string) => JSON.parse((await box.cli(["hook", word, "--json"], options)).stdout.toString());
    const place = { method, file: join(box.repository, file) };
    expect(await hook("status")).toEqual({ ...place, installed: false, merge_driver: "not-registered" });
    expect(await hook("install")).toEqual({ ...place, installed: true });
    expect(await hook("status")).toEqual({ ...place, installed: true, merge_driver: "registered" });
    box.git("config", "agent-vault.command", "'/nowhere/agent-vault'");
    expect(await hook("status")).toMatchObject({ merge_driver: "program-gone" });
    box.git("config", "merge.agent-vault.driver", "agent-vault merge-driver %O %A");
    expect(await hook("status")).toMatchObject({ merge_driver: "other-version" });
    await hook("install");

    box.git("add", "--all");
    expect((await run()).code).toBe(0);
    box.write("leak.txt", identity);
    box.git("add", "leak.txt");
    expect((await run()).code).not.toBe(0);

    expect(await hook("uninstall")).toEqual({ ...place, installed: false });
    expect(await hook("status")).toEqual({ ...place, installed: false, merge_driver: "not-registered" });
  });

  it("says what to add and fails where nothing was written", async () => {
    box.git("config", "core.hooksPath", "../shared");
    const outcome = await box.cli(["hook", "install"]);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout.toString()).toContain("# >>> agent-vault >>>");
  });
});

describe("init", () => {
  it.each([
    ["cannot be written by it", "../shared", () => {}, "# >>> agent-vault >>>"],
    [
      "is a link",
      ".husky/_",
      () => {
        mkdirSync(join(box.repository, ".husky"));
        symlinkSync(join(box.home, ".bashrc"), join(box.repository, ".husky/pre-commit"));
      },
      ".husky/pre-commit",
    ],
  ])("makes the vault, and warns, where the hook %s", async (_, hooksPath, prepare, reason) => {
    box.git("config", "core.hooksPath", hooksPath);
    prepare();
    const outcome = await box.cli(["init"]);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout.toString()).toContain(box.ownerKey);
    expect(outcome.stdout.toString()).not.toContain("pre-commit");
    expect(outcome.stderr).toMatch(/^warning: /);
    expect(outcome.stderr).toContain(reason);
    expect(existsSync(join(box.home, ".bashrc"))).toBe(false);
  });
});

describe("check", () => {
  it("reminds of the hook in a clone that has none, but for CI", async () => {
    await box.ok("init");
    expect((await box.cli(["check"])).stderr).toBe("");
    const clone = join(box.root, "clone");
    box.git("clone", "--quiet", ".", clone);
    const outcome = await box.cli(["check", "-C", clone]);
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toMatch(/^warning: .*agent-vault hook install/);
    expect((await box.cli(["check", "-C", clone], { env: { CI: "true" } })).stderr).toBe("");
  });
});

describe("what scan says", () => {
  const lines = async (...args: string[]) => (await box.cli(["scan", ...args])).stdout.toString().trim().split("\n");

  it("what it looked at, where it found nothing", async () => {
    expect(await lines()).toEqual([expect.stringContaining("agent-vault scan .")]);
    expect(await lines(".")).toEqual([expect.stringMatching(/ \.,/)]);
    expect(await lines("--staged")).toEqual([""]);
  });

  it("what to do, by how far the file has come", async () => {
    for (const file of ["a.txt", "b.txt", "c.txt"]) box.write(file, identity);
    box.git("add", "a.txt");
    box.git("commit", "--quiet", "-m", "old");
    box.git("add", "b.txt");
    const committed = expect.stringMatching(/a\.txt.*git rm --cached/);
    const index = expect.stringMatching(/b\.txt.*git rm --cached/);
    const apart = expect.stringMatching(/c\.txt.*\.gitignore/);
    const allow = expect.stringMatching(/agent-vault scan FILE --allow.*\.agent-vault-allow/);
    const found = ["a.txt", "b.txt", "c.txt"].map((file) => expect.stringMatching(`^${file}:1 .*\\[age-identity\\]$`));
    expect(await lines(".")).toEqual([...found, committed, index, apart, allow]);
    expect(await lines()).toEqual([found[0], found[1], committed, index, allow]);
    expect(await lines("--staged")).toEqual([found[1], index, allow]);
    expect(await lines("c.txt")).toEqual([found[2], apart, allow]);

    await box.cli(["scan", "b.txt", "--allow"]);
    box.git("add", ".agent-vault-allow");
    expect((await box.cli(["scan"])).code).toBe(0);
  });

  it("nothing of allowing what cannot be allowed", async () => {
    box.write(".agent-vault/secrets/a/b.enc", "plain");
    const said = await lines(".");
    expect(said).toHaveLength(2);
    expect(said.join()).not.toContain("--allow");
  });
});
