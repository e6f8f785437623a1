import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { SecretFiles } from "#runner/index.js";
import { cannot, lacks } from "../../support/programs.js";

const RUN_CHILD = join(import.meta.dirname, "child-process.mjs");
const TMPFS = 0x01021994;
const hasMemory = process.platform === "linux" && statfsSync("/dev/shm").type === TMPFS;

/** A folder in memory for one test. */
function memory(): string {
  const folder = mkdtempSync("/dev/shm/test-");
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until a folder is empty. */
async function emptied(folder: string): Promise<void> {
  const watcher = watch(folder);
  try {
    while (readdirSync(folder).length > 0) await once(watcher, "change");
  } finally {
    watcher.close();
  }
}

/** A child of ours with a secret file, that has said where it is. */
async function running(folder: string) {
  const line = 'echo "$$ $SECRET_FILE"; exec sleep 60';
  const runner = spawn(process.execPath, [RUN_CHILD, JSON.stringify({ command: ["/bin/sh", "-c", line], file: "sesame" })], {
    env: { PATH: process.env["PATH"], XDG_RUNTIME_DIR: folder },
    detached: true,
  });
  const [said] = (await once(runner.stdout, "data")) as [Buffer];
  const [, child, path] = /(\d+) (.*)/.exec(said.toString())!;
  onTestFinished(() => void spawnSync("kill", ["-KILL", String(runner.pid), child!]));
  return { runner, path: path! };
}

describe.skipIf(cannot(hasMemory, "There is no /dev/shm in memory here.", process.platform === "linux"))("a secret file", () => {
  it("lies in memory, for this user alone, and is gone at the end", () => {
    const folder = memory();
    const files = SecretFiles.create({ XDG_RUNTIME_DIR: folder });
    const path = files.add("KEY", Buffer.from([0, 255, 10]));
    expect(readFileSync(path)).toEqual(Buffer.from([0, 255, 10]));
    expect([dirname(dirname(path)), statfsSync(path).type]).toEqual([folder, TMPFS]);
    expect([statSync(path).mode & 0o777, statSync(files.folder).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(() => files.add("KEY", Buffer.from("again"))).toThrow(expect.objectContaining({ code: expect.any(String) }));
    expect(() => files.add("../KEY", Buffer.from("x"))).toThrow(expect.objectContaining({ code: "INVALID_VARIABLE" }));
    files.remove();
    expect(readdirSync(folder)).toEqual([]);
    files.remove();
  });

  it("follows no link that was put in its place", () => {
    const folder = memory();
    const files = SecretFiles.create({ XDG_RUNTIME_DIR: folder });
    onTestFinished(() => files.remove());
    symlinkSync(join(folder, "elsewhere"), join(files.folder, "KEY"));
    expect(() => files.add("KEY", Buffer.from("x"))).toThrow();
    expect(existsSync(join(folder, "elsewhere"))).toBe(false);
  });

  it("is never on a disk: another storage is taken, or none", () => {
    const onDisk = mkdtempSync(join(tmpdir(), "agent-vault-test-"));
    onTestFinished(() => rmSync(onDisk, { recursive: true, force: true }));
    for (const env of [{ XDG_RUNTIME_DIR: statfsSync(onDisk).type === TMPFS ? "/" : onDisk }, { XDG_RUNTIME_DIR: "relative" }, {}]) {
      const files = SecretFiles.create(env);
      expect(dirname(files.folder)).toBe("/dev/shm");
      files.remove();
    }
    for (const platform of ["darwin", "win32"] as const)
      expect(() => SecretFiles.create({}, platform)).toThrow(expect.objectContaining({ code: "NO_PRIVATE_STORAGE" }));
  });

  it.each([
    ["ends", "exit 3"],
    ["fails", "exit 1"],
    ["is killed", "kill -9 $$"],
    ["has taken the file away", 'rm -r "${SECRET_FILE%/*}"'],
    ["has put more beside it", 'mkdir "${SECRET_FILE%/*}/more"; echo x > "${SECRET_FILE%/*}/more/x"; ln -s / "${SECRET_FILE%/*}/root"'],
  ])("is gone when the child %s", (_, line) => {
    const folder = memory();
    const request = JSON.stringify({ command: ["/bin/sh", "-c", `cat "$SECRET_FILE"; ${line}`], file: "sesame" });
    const { stdout } = spawnSync(process.execPath, [RUN_CHILD, request], { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
    expect([stdout.toString(), readdirSync(folder)]).toEqual(["sesame", []]);
    expect(existsSync("/usr")).toBe(true);
  });

  it("is gone when the program does not start", () => {
    const folder = memory();
    const request = JSON.stringify({ command: ["no-such-program"], file: "sesame" });
    expect(spawnSync(process.execPath, [RUN_CHILD, request], { env: { ...process.env, XDG_RUNTIME_DIR: folder } }).status).toBe(127);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("is gone after %s", async (signal) => {
    const folder = memory();
    const { runner, path } = await running(folder);
    expect(existsSync(path)).toBe(true);
    runner.kill(signal);
    await once(runner, "exit");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is gone after kill -9 of the runner, and of its whole group", async () => {
    for (const whom of [1, -1]) {
      const folder = memory();
      const { runner, path } = await running(folder);
      expect(readFileSync(path, "utf8")).toBe("sesame");
      process.kill(whom * runner.pid!, "SIGKILL");
      await emptied(folder);
    }
  });

  it.skipIf(lacks("pgrep"))("that was left by a runner killed together with its watch is gone at the next run", async () => {
    const folder = memory();
    const { runner, path } = await running(folder);
    const children = spawnSync("pgrep", ["-P", String(runner.pid), "-f", "rm -rf"], { encoding: "utf8" }).stdout.trim();
    expect(children).toMatch(/^\d+$/);
    // The watch first, so that it has nothing to see.
    process.kill(Number(children), "SIGKILL");
    process.kill(runner.pid!, "SIGKILL");
    await once(runner, "exit");
    expect(existsSync(path)).toBe(true);
    SecretFiles.create({ XDG_RUNTIME_DIR: folder }).remove();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("of a runner at work is left alone, and so is what is not ours", async () => {
    const folder = memory();
    const { path } = await running(folder);
    const namespace = /agent-vault-(\d+)-/.exec(path)![1];
    for (const name of ["agent-vault-1-1-1-x", "agent-vault-notes", "other"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, `agent-vault-${namespace}-999999999-1-file`), "");
    symlinkSync("/", join(folder, `agent-vault-${namespace}-999999999-1-link`));
    const before = readdirSync(folder);
    SecretFiles.sweep({ XDG_RUNTIME_DIR: folder });
    expect(readdirSync(folder)).toEqual(before);
    expect(existsSync(path)).toBe(true);
  });
});
