import { spawn, spawnSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { cannot } from "../support/programs.js";
import { CLI, errorCode, type Outcome, type Sandbox } from "../support/sandbox.js";
import type { CommandLine } from "./at-call.js";
import { expectVault, filesBelow, personsWork, VaultAtWork, vaultFiles } from "./vault-at-work.js";
import { readIdentity } from "../support/identity.js";

/** Permissions do not bind root, so root runs the command as nobody. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const readable =
  process.platform !== "win32" &&
  spawnSync(process.execPath, [CLI, "--version"], { ...nobody, cwd: "/", env: { HOME: "/nonexistent" } }).status === 0;
const skipped = cannot(readable, "The command line cannot be run without privileges here.");

function run(box: Sandbox, { words, input = "" }: CommandLine): Promise<Outcome> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [CLI, ...words], {
      ...nobody,
      cwd: box.repository,
      env: box.env,
      stdio: ["pipe", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("error", failed);
    child.once("close", (code, signal) => done({ code, signal, stdout: Buffer.alloc(0), stderr }));
  });
}

const SET: CommandLine = { words: ["set", "other/token", "--exact"], input: "another value" };

interface Case {
  readonly what: string;
  readonly line: CommandLine;
  /** Folders that are made unwritable, relative to the machine's root; `recursive` takes all below them as well. */
  readonly folders: readonly string[];
  readonly recursive?: boolean;
}

const CASES: readonly Case[] = [
  { what: "git's folder and all below it", line: SET, folders: ["repository/.git"], recursive: true },
  { what: "git's folder alone", line: SET, folders: ["repository/.git"] },
  { what: "git's objects", line: SET, folders: ["repository/.git/objects"], recursive: true },
  { what: "git's branches", line: SET, folders: ["repository/.git/refs/heads"] },
  { what: "the vault's folder and all below it", line: SET, folders: ["repository/.agent-vault"], recursive: true },
  { what: "one group's folder", line: { words: ["revoke", "alice", "stripe"] }, folders: ["repository/.agent-vault/secrets/stripe"] },
  {
    what: "the folder of an agent that is to go",
    line: { words: ["remove-agent", "bob"] },
    folders: ["repository/.agent-vault/agents/bob"],
  },
  {
    what: "the folder of a secret that is to go",
    line: { words: ["delete", "deep/er/nested"] },
    folders: ["repository/.agent-vault/secrets/deep/er"],
  },
  { what: "the agents' folder at home, for add-agent", line: { words: ["add-agent", "dora"] }, folders: ["home/.agent-vault/agents"] },
  {
    what: "the agents' folder at home, for recover-agent",
    line: { words: ["recover-agent", "alice"] },
    folders: ["home/.agent-vault/agents"],
  },
  {
    what: "the agents' folder at home, for remove-agent",
    line: { words: ["remove-agent", "alice"] },
    folders: ["home/.agent-vault/agents"],
  },
];

/** Takes the right to write from folders; what it returns gives it back. */
function lock(folders: readonly string[]): () => void {
  const modes = folders.map((folder) => [folder, statSync(folder).mode & 0o777] as const);
  for (const [folder, mode] of modes) chmodSync(folder, mode & ~0o222);
  return () => {
    for (const [folder, mode] of modes) chmodSync(folder, mode);
  };
}

function withFoldersBelow(folder: string): string[] {
  const below = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...below.map((entry) => join(entry.parentPath, entry.name))];
}

describe.skipIf(skipped)("a folder that cannot be written", () => {
  it.each(CASES.map((one) => [one.what, one] as const))(
    "makes the command UNWRITABLE and nothing is changed: %s",
    async (_what, { line, folders, recursive }) => {
      const work = await VaultAtWork.make();
      const { box } = work;
      if ("uid" in nobody) await box.run("chown", ["-R", `${nobody.uid}:${nobody.gid}`, box.root]);
      const before = { person: personsWork(box), vault: vaultFiles(box), home: filesBelow(box.home), refs: box.git("for-each-ref") };

      const paths = folders.map((folder) => join(box.root, folder));
      const unlock = lock(recursive ? paths.flatMap(withFoldersBelow) : paths);
      const refused = await run(box, line);
      unlock();
      expect([refused.code, errorCode(refused)]).toEqual([1, "UNWRITABLE"]);
      expect(vaultFiles(box)).toEqual(before.vault);
      expect(filesBelow(box.home)).toEqual(before.home);
      expect(box.git("for-each-ref")).toBe(before.refs);
      expect(personsWork(box)).toBe(before.person);
      await expectVault(box, work, work.expected);
      expect((await run(box, line)).code).toBe(0);
    },
  );

  it("does not matter where nothing is written there: set with an unwritable home", async () => {
    const { box } = await VaultAtWork.make();
    if ("uid" in nobody) await box.run("chown", ["-R", `${nobody.uid}:${nobody.gid}`, box.root]);
    const unlock = lock(withFoldersBelow(box.home));
    const outcome = await run(box, SET);
    unlock();
    expect([outcome.code, outcome.stderr.trimEnd().split("\n").length]).toEqual([0, 1]);
    expect(outcome.stderr).toContain("could not be remembered");
  });

  it("is no place for init: no vault is made, and a key that was made first is used by the next attempt", async () => {
    const work = await VaultAtWork.make();
    const { box } = work;
    rmSync(join(box.home, ".agent-vault"), { recursive: true });
    const other = join(box.root, "other");
    await box.run("git", ["init", "--quiet", other]);
    if ("uid" in nobody) await box.run("chown", ["-R", `${nobody.uid}:${nobody.gid}`, box.root]);
    const line = { words: ["-C", other, "init"] };
    const before = filesBelow(other);

    for (const folder of [box.home, other]) {
      const unlock = lock([folder]);
      const refused = await run(box, line);
      unlock();
      expect([folder, refused.code, errorCode(refused)]).toEqual([folder, 1, "UNWRITABLE"]);
      expect(filesBelow(other)).toEqual(before);
      if (folder === box.home) expect(filesBelow(box.home)).toEqual([]);
    }
    const key = readFileSync(box.ownerKey);
    expect((await run(box, line)).code).toBe(0);
    expect(readFileSync(box.ownerKey)).toEqual(key);
    expect(readFileSync(join(other, ".agent-vault", "owner.pub"), "utf8")).toBe(await readIdentity(box.ownerKey).recipient());
  });
});
