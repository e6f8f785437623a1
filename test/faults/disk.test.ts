import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { CLI, errorCode, Sandbox, type Outcome } from "../support/sandbox.js";

const isRoot = process.getuid?.() === 0;
const canMount = isRoot && spawnSync("unshare", ["--mount", "true"]).status === 0;
if (!isRoot || !canMount) console.warn("Skipped in part: filling a disk and taking rights away from another user need root.");

/** A vault with three secrets, an agent, and work of the person's own. */
async function vaultAtWork(): Promise<Sandbox> {
  const box = new Sandbox();
  await box.ok("init", "--no-hook");
  for (const name of ["a", "b", "c"]) await box.set(`stripe/${name}`, `value ${name}`);
  await box.ok("add-agent", "bot");
  writeFileSync(join(box.repository, "staged.txt"), "staged");
  box.git("add", "staged.txt");
  writeFileSync(join(box.repository, "staged.txt"), "edited since");
  return box;
}

/** All that must not move: HEAD, the index, the files of the work tree. */
function stateOf(box: Sandbox, repository: string): string {
  const tree = spawnSync("find", [".", "-path", "./.git", "-prune", "-o", "-type", "f", "-exec", "sha256sum", "{}", "+"], {
    cwd: repository,
    encoding: "utf8",
  }).stdout;
  return [
    box.gitIn(repository, "rev-parse", "HEAD"),
    box.gitIn(repository, "ls-files", "--stage"),
    tree.split("\n").toSorted().join("\n"),
  ].join("\n");
}

describe.skipIf(!canMount)("a full disk", () => {
  it("is DISK_FULL at any point, with everything as it was or the change in full once there is room again", async () => {
    const box = await vaultAtWork();
    const disk = join(box.root, "disk");
    mkdirSync(disk);
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]).status).toBe(0);
    onTestFinished(() => void spawnSync("umount", ["--lazy", disk]));
    const repository = join(disk, "repository");
    cpSync(box.repository, repository, { recursive: true });
    box.gitIn(repository, "update-index", "-q", "--refresh");
    const before = stateOf(box, repository);
    const grant = (): Promise<Outcome> => box.cli(["grant", "bot", "stripe"], { cwd: repository });

    const filling = join(disk, "filling");
    let refused = 0;
    for (const left of [0, 4, 8, 12, 16, 20, 24, 32, 40, 48, 64]) {
      fillAllBut(filling, left * 1024);
      const outcome = await grant();
      rmSync(filling);
      if (outcome.code === 0) break;
      expect([outcome.code, errorCode(outcome)], outcome.stderr).toEqual([1, "DISK_FULL"]);
      // After the point of no return the error says so, and the next command finishes.
      if (box.gitIn(repository, "log", "-1", "--format=%s").includes("grant")) {
        expect(outcome.stderr).toContain("committed");
        expect((await box.cli(["list"], { cwd: repository })).code).toBe(0);
        break;
      }
      refused++;
      expect(stateOf(box, repository)).toBe(before);
    }
    expect(refused).toBeGreaterThan(1);
    expect((await grant()).code).toBe(0);
    expect(box.gitIn(repository, "status", "--porcelain", "--", ".agent-vault")).toBe("");
    expect(box.gitIn(repository, "log", "--format=%s").match(/grant/g)).toHaveLength(1);
    const read = await box.cli(["get", "stripe/b", "--key", box.agentKey("bot")], { cwd: repository });
    expect(read.stdout.toString()).toBe("value b");
    expect(readFileSync(join(repository, "staged.txt"), "utf8")).toBe("edited since");
  });

  it("a read-only disk is UNWRITABLE, and still read", async () => {
    const box = await vaultAtWork();
    const before = stateOf(box, box.repository);
    expect(spawnSync("mount", ["--bind", box.repository, box.repository]).status).toBe(0);
    onTestFinished(() => void spawnSync("umount", ["--lazy", box.repository]));
    expect(spawnSync("mount", ["-o", "remount,ro,bind", box.repository]).status).toBe(0);
    const outcome = await box.cli(["set", "stripe/a"], { input: "new" });
    expect([outcome.code, errorCode(outcome)], outcome.stderr).toEqual([1, "UNWRITABLE"]);
    expect((await box.cli(["get", "stripe/a"])).stdout.toString()).toBe("value a");
    expect(stateOf(box, box.repository)).toBe(before);
  });
});

describe.skipIf(!isRoot)("a folder that the person may not write", () => {
  it.each(["repository/.git", "repository/.agent-vault/secrets/stripe", "repository/.agent-vault"])(
    "%s is UNWRITABLE, and nothing is changed",
    async (folder) => {
      const box = await vaultAtWork();
      const before = stateOf(box, box.repository);
      giveTo(box, 65_534);
      spawnSync("chown", ["-R", "0:0", join(box.root, folder)]);
      chmodSync(join(box.root, folder), 0o755);
      const outcome = await asOther(box, 65_534, ["set", "stripe/a"], "new");
      expect([outcome.code, errorCode(outcome)], outcome.stderr).toEqual([1, "UNWRITABLE"]);
      giveTo(box, 0);
      expect(stateOf(box, box.repository)).toBe(before);
    },
  );

  it("a home that cannot take an agent's key stops add-agent before anything is changed", async () => {
    const box = await vaultAtWork();
    const before = stateOf(box, box.repository);
    giveTo(box, 65_534);
    spawnSync("chown", ["0:0", join(box.home, ".agent-vault/agents")]);
    chmodSync(join(box.home, ".agent-vault/agents"), 0o755);
    const outcome = await asOther(box, 65_534, ["add-agent", "second"], "");
    expect([outcome.code, errorCode(outcome)], outcome.stderr).toEqual([1, "UNWRITABLE"]);
    giveTo(box, 0);
    expect(stateOf(box, box.repository)).toBe(before);
  });
});

/** Fills a disk, but for so many bytes. */
function fillAllBut(file: string, bytes: number): void {
  spawnSync("sh", ["-c", `cat /dev/zero > "$0"`, file], { stdio: "ignore" });
  const size = Number(spawnSync("stat", ["--format=%s", file], { encoding: "utf8" }).stdout);
  spawnSync("truncate", ["--size", String(Math.max(0, size - bytes)), file]);
}

function giveTo(box: Sandbox, uid: number): void {
  spawnSync("chown", ["-R", `${uid}:${uid}`, box.root]);
}

function asOther(box: Sandbox, uid: number, words: readonly string[], input: string): Promise<Outcome> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [CLI, ...words], { cwd: box.repository, env: box.env, uid, gid: uid });
    let stderr = "";
    const stdout: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", failed);
    child.on("close", (code, signal) => done({ code, signal, stdout: Buffer.concat(stdout), stderr }));
    child.stdin.end(input);
  });
}
