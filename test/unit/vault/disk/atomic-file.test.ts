import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { expect, it, onTestFinished } from "vitest";
import { createFile, replaceFile } from "#vault/disk/atomic-file.js";
import { Sandbox } from "../../../support/sandbox.js";

function folder(): string {
  const path = join(new Sandbox({ git: false }).root, "files");
  mkdirSync(path);
  return path;
}

const modeOf = (file: string) => statSync(file).mode & 0o777;

it("a file is replaced whole, and nothing else is left in the folder", () => {
  const at = folder();
  const file = join(at, "a");
  writeFileSync(file, "old");
  replaceFile(file, "new", { durable: true });
  expect([readFileSync(file, "utf8"), readdirSync(at)]).toEqual(["new", ["a"]]);
});

it("a new file is never written over another one", () => {
  const at = folder();
  const file = join(at, "a");
  expect(createFile(file, Uint8Array.of(1, 0, 255), { durable: true })).toBe(true);
  expect(createFile(file, "other")).toBe(false);
  expect([[...readFileSync(file)], readdirSync(at)]).toEqual([[1, 0, 255], ["a"]]);
});

it.skipIf(process.platform === "win32")(
  "a file is its owner's alone unless it is given another mode, which the umask does not change",
  () => {
    const at = folder();
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    replaceFile(join(at, "private"), "");
    replaceFile(join(at, "hook"), "", { mode: 0o755 });
    process.umask(0);
    createFile(join(at, "key"), "");
    expect([modeOf(join(at, "private")), modeOf(join(at, "hook")), modeOf(join(at, "key"))]).toEqual([0o600, 0o755, 0o600]);
  },
);

it.skipIf(process.platform === "win32")("a link in the place of a file is replaced, and what it leads to stays", () => {
  const at = folder();
  writeFileSync(join(at, "target"), "theirs");
  symlinkSync("target", join(at, "link"));
  replaceFile(join(at, "link"), "ours");
  expect(() => readlinkSync(join(at, "link"))).toThrow("EINVAL");
  expect(readFileSync(join(at, "target"), "utf8")).toBe("theirs");
});

it("where the last check fails, the file stays and the draft goes", () => {
  const at = folder();
  const file = join(at, "a");
  writeFileSync(file, "old");
  const beforeReplacing = () => {
    throw new Error("changed meanwhile");
  };
  expect(() => replaceFile(file, "new", { beforeReplacing })).toThrow("changed meanwhile");
  expect([readFileSync(file, "utf8"), readdirSync(at)]).toEqual(["old", ["a"]]);
});

it("a folder that is missing makes it UNWRITABLE", () => {
  const file = join(folder(), "nowhere", "a");
  for (const write of [replaceFile, createFile])
    expect(() => write(file, "")).toThrow(
      expect.objectContaining({ code: "UNWRITABLE", cause: expect.objectContaining({ code: "ENOENT" }) }),
    );
});
