import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { beforeAll, describe, expect, test } from "vitest";
import { type ScanFinding, hookStatus, installHook, scanFiles, scanIndex, scanStaged, uninstallHook } from "@agent-vault/hooks";
import { ageIdentity, pemKeys } from "./keys.js";
import { TestRepository } from "./repository.js";

let identity: string;
let pem: string;
beforeAll(async () => {
  identity = await ageIdentity();
  pem = pemKeys()["PKCS #8 EC"]!;
});

const brief = (findings: readonly ScanFinding[]): (string | number | undefined)[][] =>
  findings.map(({ file, line, kind }) => [file, line, kind]);
const staged = async (repository: TestRepository): Promise<(string | number | undefined)[][]> =>
  brief(await scanStaged(repository.context, repository.root));
const RECIPIENT = "age1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sw2y0n4";
const AGE_FILE = Buffer.concat([Buffer.from("age-encryption.org/v1\n-> X25519 abc\n"), randomBytes(200)]);

describe("the index is scanned, and not the work tree", () => {
  test("a key that is staged is found when the file on the disk no longer has it", async () => {
    using repository = new TestRepository();
    repository.stage("notes.txt", `a\n${identity}\n`);
    repository.write("notes.txt", "clean\n");
    expect(await staged(repository)).toEqual([["notes.txt", 2, "age-identity"]]);
    rmSync(repository.path("notes.txt"));
    expect(await staged(repository)).toEqual([["notes.txt", 2, "age-identity"]]);
  });

  test("a key that is only on the disk is not of this commit", async () => {
    using repository = new TestRepository();
    repository.stage("notes.txt", "clean\n");
    repository.write("notes.txt", identity);
    repository.write("untracked.txt", identity);
    expect(await staged(repository)).toEqual([]);
  });

  test("an ignored file that was forced in is found", async () => {
    using repository = new TestRepository();
    repository.stage(".gitignore", "*.key\n");
    repository.stage("owner.key", identity);
    expect(await staged(repository)).toEqual([["owner.key", 1, "age-identity"]]);
  });

  test("the index that git names in a hook is the one that counts", async () => {
    using repository = new TestRepository();
    repository.stage("notes.txt", "clean\n");
    const index = repository.path(".git/next-index");
    const env = { ...repository.env, GIT_INDEX_FILE: index };
    repository.write("part.txt", identity);
    execFileSync("git", ["add", "part.txt"], { cwd: repository.root, env });
    expect(await staged(repository)).toEqual([]);
    expect(brief(await scanStaged({ ...repository.context, env }, repository.root))).toEqual([["part.txt", 1, "age-identity"]]);
  });

  test("what git would show in place of an object (git replace) does not hide a key", async () => {
    using repository = new TestRepository();
    repository.stage("notes.txt", identity);
    repository.write("clean.txt", "clean\n");
    const [bad, good] = [repository.git("rev-parse", ":notes.txt").trim(), repository.git("hash-object", "-w", "clean.txt").trim()];
    repository.git("replace", bad, good);
    expect(await staged(repository)).toEqual([["notes.txt", 1, "age-identity"]]);
  });
});

describe("which blobs a commit adds or changes", () => {
  test("all of them before the first commit, from a folder below the root as well", async () => {
    using repository = new TestRepository();
    repository.stage("a.txt", identity);
    repository.stage("sub/b.txt", pem);
    const all = [
      ["a.txt", 1, "age-identity"],
      ["sub/b.txt", 1, "private-key-pem"],
    ];
    expect(await staged(repository)).toEqual(all);
    expect(brief(await scanStaged(repository.context, repository.path("sub")))).toEqual(all);
    repository.commit();
    repository.stage("c.txt", identity);
    expect(brief(await scanStaged(repository.context, repository.path("sub")))).toEqual([["c.txt", 1, "age-identity"]]);
    expect(brief(await scanIndex(repository.context, repository.path("sub")))).toEqual([
      ...all.slice(0, 1),
      ["c.txt", 1, "age-identity"],
      ...all.slice(1),
    ]);
  });

  test("not what was committed before, and not what is deleted", async () => {
    using repository = new TestRepository();
    repository.stage("old.txt", identity);
    repository.stage("gone.txt", pem);
    repository.commit();
    repository.git("rm", "--quiet", "gone.txt");
    repository.stage("new.txt", "clean\n");
    expect(await staged(repository)).toEqual([]);
    expect(brief(await scanIndex(repository.context, repository.root))).toEqual([["old.txt", 1, "age-identity"]]);
  });

  test("a renamed file, whatever git is told of renames", async () => {
    using repository = new TestRepository();
    repository.git("config", "diff.renames", "copies");
    repository.stage("old.txt", `${identity}\n`);
    repository.commit();
    repository.git("mv", "old.txt", "new.txt");
    expect(await staged(repository)).toEqual([["new.txt", 1, "age-identity"]]);
  });

  test("a file that takes the place of a link", async () => {
    using repository = new TestRepository();
    repository.stageBlob("x", "target", "120000");
    repository.commit();
    repository.stageBlob("x", identity);
    expect(await staged(repository)).toEqual([["x", 1, "age-identity"]]);
  });

  test("the same content at two places is found at both", async () => {
    using repository = new TestRepository();
    repository.stage("a", identity);
    repository.stage("b", identity);
    expect(await staged(repository)).toEqual([
      ["a", 1, "age-identity"],
      ["b", 1, "age-identity"],
    ]);
  });

  test("no submodule: it is another repository", async () => {
    using repository = new TestRepository();
    repository.stage("a.txt", "clean\n");
    repository.commit();
    const commit = repository.git("rev-parse", "HEAD").trim();
    repository.git("update-index", "--add", "--cacheinfo", `160000,${commit},library`);
    expect(await staged(repository)).toEqual([]);
    expect(await scanIndex(repository.context, repository.root)).toEqual([]);
  });

  test("nothing, where nothing is staged", async () => {
    using repository = new TestRepository();
    expect(await staged(repository)).toEqual([]);
    repository.commit();
    expect(await staged(repository)).toEqual([]);
  });
});

describe("files of any kind", () => {
  test("binary files, UTF-16 and empty files", async () => {
    using repository = new TestRepository();
    repository.stage(
      "image.bin",
      Buffer.concat([randomBytes(5000).map((byte) => (byte === 10 ? 0 : byte)), Buffer.from(`\n${identity}`), randomBytes(5000)]),
    );
    repository.stage("wide.txt", Buffer.from(`\ufeffkey\r\n${pem}`, "utf16le"));
    repository.stage("empty", "");
    repository.stage("z", identity);
    expect(await staged(repository)).toEqual([
      ["image.bin", 2, "age-identity"],
      ["wide.txt", 2, "private-key-pem"],
      ["z", 1, "age-identity"],
    ]);
  });

  test("what git is told to take for binary, or not to show, is read all the same", async () => {
    using repository = new TestRepository();
    repository.stage(".gitattributes", "*.txt binary -diff\n");
    repository.stage("a.txt", identity);
    expect(await staged(repository)).toEqual([["a.txt", 1, "age-identity"]]);
  });

  test("large files, to their end", async () => {
    using repository = new TestRepository();
    repository.stage("large.log", `${"one line of a log\n".repeat(500_000)}${identity}\n`);
    expect(await staged(repository)).toEqual([["large.log", 500_001, "age-identity"]]);
  });

  test("large files in pieces: a key that lies across them is found, once and on its line", async () => {
    using repository = new TestRepository();
    const line = "0123456789abcde\n";
    const key = pemKeys()["PKCS #8 RSA"]!;
    const expected: unknown[] = [];
    // About the ends of the pieces in which git and the disk give a file, and of the windows in which it is searched.
    for (const edge of [65_536, 917_312, 1_048_576, 1_834_624, 1_966_080]) {
      for (const before of [0, 16, 800, 1600, 1728]) {
        const lines = (edge - before) / line.length;
        const file = `${edge}-${before}`.padStart(14, "0");
        repository.write(file, line.repeat(lines) + key + line.repeat(140_000 - lines));
        expected.push([file, lines + 1, "private-key-pem"]);
      }
    }
    repository.git("add", ".");
    expect(await staged(repository)).toEqual(expect.arrayContaining(expected));
    expect(await staged(repository)).toHaveLength(expected.length);
    expect(brief(await scanFiles(repository.context, ["."]))).toEqual(await staged(repository));
    const fingerprints = (await scanStaged(repository.context, repository.root)).map(({ fingerprint }) => fingerprint);
    expect(new Set(fingerprints).size).toBe(1);
  });

  test.each(["two\nlines", 'a "quote"', "tab\there", "back\\slash", "schlüssel 🔑", " spaces ", "-dash", ":colon", "HEAD", "*"])(
    "a file called %j",
    async (name) => {
      using repository = new TestRepository();
      for (const quotePath of ["true", "false"]) {
        repository.git("config", "core.quotePath", quotePath);
        repository.stageBlob(name, identity);
        expect(await staged(repository)).toEqual([[name, 1, "age-identity"]]);
        expect(brief(await scanIndex(repository.context, repository.root))).toEqual([[name, 1, "age-identity"]]);
      }
    },
  );

  test("a file whose name is not UTF-8", async () => {
    using repository = new TestRepository();
    repository.stageBlob(Buffer.from([0x66, 0xff, 0xe4, 0x2e, 0x74]), identity);
    expect(await staged(repository)).toEqual([["f\\xff\\xe4.t", 1, "age-identity"]]);
  });

  test("a name cannot write to the terminal through a message", async () => {
    using repository = new TestRepository();
    repository.stageBlob("a\u001b[2J\nb\u202e\u009b", identity);
    const [finding] = await scanStaged(repository.context, repository.root);
    expect(finding!.message).toMatch(/^[ -~]+$/);
    expect(finding!.message).toContain(String.raw`\u001b`);
  });
});

describe("files of a vault", () => {
  const vault = (files: Record<string, string | Uint8Array>): Record<string, string | Uint8Array> => ({
    ".agent-vault/config.yaml": "version: 1\n",
    ".agent-vault/manifest.yaml": "version: 1\n",
    ".agent-vault/owner.pub": RECIPIENT,
    ".agent-vault/.gitignore": "*.key\n",
    ".agent-vault/agents/bot/public.key": `${RECIPIENT}\n`,
    ".agent-vault/agents/bot/private.key.escrow": AGE_FILE,
    ".agent-vault/secrets/stripe/api-key.enc": AGE_FILE,
    ".agent-vault/secrets/stripe/api-key.meta": "name: api-key\n",
    ...files,
  });

  test.each([
    ["a sound vault has no finding", {}, []],
    ["an armored secret is encrypted too", { ".agent-vault/secrets/a/b.enc": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl" }, []],
    ["a stray file", { ".agent-vault/notes.txt": "x" }, [[".agent-vault/notes.txt", undefined, "stray-in-vault"]]],
    [
      "a secret beside its ciphertext",
      { ".agent-vault/secrets/stripe/api-key": "sk" },
      [[".agent-vault/secrets/stripe/api-key", undefined, "stray-in-vault"]],
    ],
    [
      "a name outside the grammar",
      { ".agent-vault/secrets/a/b c.enc": AGE_FILE },
      [[".agent-vault/secrets/a/b c.enc", undefined, "stray-in-vault"]],
    ],
    ["a plaintext secret", { ".agent-vault/secrets/a/b.enc": "sk_live" }, [[".agent-vault/secrets/a/b.enc", undefined, "not-encrypted"]]],
    ["an empty secret", { ".agent-vault/secrets/a/b.enc": "" }, [[".agent-vault/secrets/a/b.enc", undefined, "not-encrypted"]]],
    [
      "a plaintext escrow",
      { ".agent-vault/agents/x/private.key.escrow": "x" },
      [[".agent-vault/agents/x/private.key.escrow", undefined, "not-encrypted"]],
    ],
    ["a vault in a folder", { "apps/shop/.agent-vault/x": "x" }, [["apps/shop/.agent-vault/x", undefined, "stray-in-vault"]]],
    [
      "a vault's folder within a vault",
      { ".agent-vault/.agent-vault/config.yaml": "x" },
      [[".agent-vault/.agent-vault/config.yaml", undefined, "stray-in-vault"]],
    ],
    [
      "something else than recipients",
      { ".agent-vault/owner.pub": `${RECIPIENT}\nhello` },
      [[".agent-vault/owner.pub", undefined, "stray-in-vault"]],
    ],
    ["nothing for a recipient", { ".agent-vault/owners/eve.pub": "\n" }, [[".agent-vault/owners/eve.pub", undefined, "stray-in-vault"]]],
    [
      "recipients, and more after them than anyone reads",
      { ".agent-vault/owner.pub": `${RECIPIENT}\n${"\n".repeat(70_000)}x` },
      [[".agent-vault/owner.pub", undefined, "stray-in-vault"]],
    ],
    ["a name that only looks like a vault's", { "my.agent-vault/x": "x", ".agent-vault.md": "x" }, []],
  ])("%s", async (_, files, findings) => {
    using repository = new TestRepository();
    for (const [file, content] of Object.entries(vault(files))) repository.stage(file, content);
    expect(await staged(repository)).toEqual(findings);
    expect(brief(await scanIndex(repository.context, repository.root))).toEqual(findings);
    expect(brief(await scanFiles(repository.context, ["."]))).toEqual(findings);
  });

  test("an identity where the public key should be is two findings", async () => {
    using repository = new TestRepository();
    repository.stage(".agent-vault/agents/bot/public.key", identity);
    expect(await staged(repository)).toEqual([
      [".agent-vault/agents/bot/public.key", undefined, "stray-in-vault"],
      [".agent-vault/agents/bot/public.key", 1, "age-identity"],
    ]);
  });

  test.each([".agent-vault", ".agent-vault/secrets", ".agent-vault/owner.pub", "shop/.agent-vault/config.yaml"])(
    "a link at %s",
    async (file) => {
      using repository = new TestRepository();
      repository.stageBlob(file, RECIPIENT, "120000");
      expect(await staged(repository)).toContainEqual([file, undefined, "link-in-vault"]);
    },
  );

  test("a submodule in a vault", async () => {
    using repository = new TestRepository();
    repository.commit();
    repository.git(
      "update-index",
      "--add",
      "--cacheinfo",
      `160000,${repository.git("rev-parse", "HEAD").trim()},.agent-vault/secrets/more`,
    );
    expect(await staged(repository)).toEqual([[".agent-vault/secrets/more", undefined, "stray-in-vault"]]);
  });
});

describe("files of the work tree", () => {
  test("folders are walked, links are not followed, git's own files are left alone", async () => {
    using repository = new TestRepository();
    repository.write("a/b/key.txt", `x\n${identity}`);
    repository.write(".git/key.txt", identity);
    const outside = join(repository.base, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "key.txt"), identity);
    symlinkSync(outside, repository.path("a/link"));
    mkdirSync(repository.path(".agent-vault"));
    symlinkSync(join(outside, "key.txt"), repository.path(".agent-vault/owner.pub"));
    expect(brief(await scanFiles(repository.context, ["."]))).toEqual([
      [".agent-vault/owner.pub", undefined, "link-in-vault"],
      ["a/b/key.txt", 2, "age-identity"],
    ]);
    expect(await scanFiles(repository.context, ["a/link"])).toEqual([]);
    expect(repository.warnings).toHaveLength(1);
  });

  test("names are from the root, wherever the command runs and whatever path it was given", async () => {
    using repository = new TestRepository();
    repository.write("a/b/key.txt", identity);
    const context = { ...repository.context, cwd: repository.path("a/b") };
    for (const path of ["key.txt", "../b", repository.path("a"), "."]) {
      expect(brief(await scanFiles(context, [path]))).toEqual([["a/b/key.txt", 1, "age-identity"]]);
    }
  });

  test("outside a repository, names are from the current folder, and a file elsewhere has its whole path", async () => {
    using repository = new TestRepository();
    repository.write("a/key.txt", identity);
    renameSync(repository.path(".git"), join(repository.base, "no-git"));
    expect(brief(await scanFiles(repository.context, ["a"]))).toEqual([["a/key.txt", 1, "age-identity"]]);
    const context = { ...repository.context, cwd: repository.env["HOME"]! };
    expect(brief(await scanFiles(context, [repository.path("a/key.txt")]))).toEqual([[repository.path("a/key.txt"), 1, "age-identity"]]);
  });

  test.skipIf(process.platform !== "linux")("names that are not UTF-8", async () => {
    using repository = new TestRepository();
    writeFileSync(Buffer.concat([Buffer.from(`${repository.root}/f`), Buffer.from([0xff])]), identity);
    expect(brief(await scanFiles(repository.context, ["."]))).toEqual([["f\\xff", 1, "age-identity"]]);
  });

  test("a path that is not there", async () => {
    using repository = new TestRepository();
    await expect(scanFiles(repository.context, ["nowhere/at/all"])).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  });
});

describe("where nothing can be scanned, it is an error and not a pass", () => {
  test("no repository", async () => {
    using repository = new TestRepository();
    renameSync(repository.path(".git"), join(repository.base, "no-git"));
    await expect(scanStaged(repository.context, repository.root)).rejects.toMatchObject({ code: "REPOSITORY_NOT_FOUND" });
    await expect(scanIndex(repository.context, repository.root)).rejects.toMatchObject({ code: "REPOSITORY_NOT_FOUND" });
    await expect(scanStaged(repository.context, repository.path("nowhere"))).rejects.toMatchObject({ code: "REPOSITORY_NOT_FOUND" });
  });

  test("no git", async () => {
    using repository = new TestRepository();
    const context = { ...repository.context, env: { ...repository.env, PATH: repository.base } };
    await expect(scanStaged(context, repository.root)).rejects.toMatchObject({ code: "GIT_MISSING" });
  });

  test("a blob that is not there", async () => {
    using repository = new TestRepository();
    repository.stage("a.txt", identity);
    const object = repository.git("rev-parse", ":a.txt").trim();
    rmSync(repository.path(`.git/objects/${object.slice(0, 2)}/${object.slice(2)}`));
    await expect(scanStaged(repository.context, repository.root)).rejects.toMatchObject({ code: "GIT_FAILED" });
  });

  test("a HEAD that git cannot read", async () => {
    using repository = new TestRepository();
    repository.stage("a.txt", "clean\n");
    repository.commit();
    const tree = repository.git("rev-parse", "HEAD^{tree}").trim();
    rmSync(repository.path(`.git/objects/${tree.slice(0, 2)}/${tree.slice(2)}`));
    await expect(scanStaged(repository.context, repository.root)).rejects.toMatchObject({ code: "GIT_FAILED" });
  });
});

describe("a folder that looks like a bare repository, as anyone can commit one", () => {
  /** Its configuration names programs; `marker` appears where one of them ran. */
  function trap(repository: TestRepository): { folder: string; marker: string } {
    const marker = join(repository.base, "marker");
    const program = join(repository.base, "program");
    writeFileSync(program, `#!/bin/sh\necho ran >${JSON.stringify(marker)}\n`, { mode: 0o755 });
    const folder = repository.path("docs/trap");
    execFileSync("git", ["init", "--quiet", "--bare", folder], { env: repository.env });
    for (const [key, value] of [
      ["core.bare", "false"],
      ["core.worktree", ".."],
      ["core.fsmonitor", program],
      ["core.pager", program],
      ["core.hooksPath", "hooks"],
    ])
      execFileSync("git", ["config", "--file", join(folder, "config"), key!, value!], { env: repository.env });
    return { folder, marker };
  }

  test("is a trap: git alone runs what it says", () => {
    using repository = new TestRepository();
    const { folder, marker } = trap(repository);
    repository.tryGit(["-c", "safe.bareRepository=all", "status"], { cwd: folder });
    expect(existsSync(marker)).toBe(true);
  });

  test("nothing of it runs", async () => {
    using repository = new TestRepository();
    const { folder, marker } = trap(repository);
    const context = { ...repository.context, cwd: folder };
    for (const cwd of [folder, join(folder, "objects")]) {
      for (const attempt of [
        () => scanStaged(context, cwd),
        () => scanIndex(context, cwd),
        () => hookStatus(context, cwd),
        () => installHook(context, cwd, { command: ["/bin/true"] }),
        () => uninstallHook(context, cwd),
      ])
        await expect(attempt()).rejects.toMatchObject({ code: "REPOSITORY_NOT_FOUND" });
    }
    writeFileSync(join(folder, "key.txt"), identity);
    expect(brief(await scanFiles(context, ["."]))).toEqual([["key.txt", 1, "age-identity"]]);
    expect(existsSync(marker)).toBe(false);
    expect(brief(await scanFiles(repository.context, ["."]))).toEqual([["docs/trap/key.txt", 1, "age-identity"]]);
    expect(existsSync(marker)).toBe(false);
  });
});

test("what git starts sees no variable of agent-vault", async () => {
  using repository = new TestRepository();
  const seen = join(repository.base, "seen");
  const program = join(repository.base, "monitor");
  writeFileSync(program, `#!/bin/sh\nenv >${JSON.stringify(seen)}\n`, { mode: 0o755 });
  repository.git("config", "core.fsmonitor", program);
  repository.stage("a.txt", "clean\n");
  repository.commit();
  rmSync(seen, { force: true });
  const env = { ...repository.env, AGENT_VAULT_KEY: identity, AGENT_VAULT_HOME: "/keys", OTHER: "stays" };
  await scanStaged({ ...repository.context, env }, repository.root);
  const variables = readFileSync(seen, "utf8");
  expect(variables).toContain("OTHER=stays");
  expect(variables).not.toContain("AGENT_VAULT_");
});

test("no message holds any part of a key", async () => {
  using repository = new TestRepository();
  repository.stage("a", identity);
  repository.stage("b", pem);
  const said = JSON.stringify(await scanStaged(repository.context, repository.root));
  for (let at = 16; at + 12 <= identity.length; at++) expect(said).not.toContain(identity.slice(at, at + 12));
  for (const line of pem.split("\n").slice(1, -2)) expect(said).not.toContain(line.slice(0, 12));
});
