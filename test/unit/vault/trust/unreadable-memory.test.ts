import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { memoryFile } from "#vault/index.js";
import { parseLock } from "#vault/lock/lock.js";
import { makeVault } from "../../../support/vault.js";
import { errorCode, prepared } from "../../../support/sandbox.js";

const vault = prepared((box) => makeVault(box, { "a/b": "value" }, { bot: ["a"] }));

it.each([
  ["damaged", (file: string) => writeFileSync(file, '{"version": 1,')],
  ["a folder", (file: string) => mkdirSync(file)],
  // Permissions do not bind root; a link to itself cannot be read by anyone.
  ["unreadable", (file: string) => symlinkSync(file, file)],
])("a memory that is %s is an error that says what to do, and no reason to forget", async (_what, put) => {
  const box = await vault();
  const file = memoryFile(box.context(), parseLock(readFileSync(join(box.vault, "vault.lock"))).vault);
  rmSync(file, { recursive: true });
  put(file);
  const refused = await box.cli(["get", "a/b", "--key", box.agentKey("bot")]);
  expect([refused.code, errorCode(refused), refused.stdout.toString()]).toEqual([5, "DAMAGED", ""]);
  expect(refused.stderr).toContain(join(box.home, ".agent-vault", "trust"));
  expect(refused.stderr).not.toContain("DEBUG");
});
