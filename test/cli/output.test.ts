import { closeSync, existsSync, openSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { CLI, Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";

let box: Sandbox;

beforeEach(async () => {
  box = new Sandbox();
  await makeVault(box, { "a/b": Buffer.alloc(900_000, "x") });
});

/** Runs a command with its output sent to an open file. */
async function sentTo(file: number | "pipe", args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { cwd: box.repository, env: box.env, stdio: ["ignore", file, "pipe"] });
  let stderr = "";
  child.stderr!.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  child.stdout?.once("data", () => child.stdout!.destroy());
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stderr };
}

describe("standard output", () => {
  it.skipIf(!existsSync("/dev/full")).each(["get a/b", "get a/b --json", "list", "check --json", "get a/c --json"])(
    "that is full is an error in one sentence: %s",
    async (words) => {
      const full = openSync("/dev/full", "w");
      const { code, stderr } = await sentTo(full, words.split(" "));
      closeSync(full);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^error: .*ENOSPC.* \[FAILED\]\n {7}\S.*\.\n$/);
    },
  );

  it("whose reader has seen enough ends the command, which says nothing", async () => {
    expect(await sentTo("pipe", ["get", "a/b"])).toEqual({ code: 141, stderr: "" });
  });
});

describe("text from a vault", () => {
  const TRICK = "\u001B]0;owned\u0007\u202Egnp\u009B2J";

  it("does not act on a terminal, wherever it is printed", async () => {
    box.write(join(".agent-vault", `notes\n${TRICK}.txt`), "");
    box.write(
      ".agent-vault/secrets/a/b.meta",
      `name: a/b\nexpires: "2020-01-01"\nauthorized_agents: ["${TRICK.replaceAll("\u001B", "\\e").replaceAll("\u0007", "\\a")}"]\n`,
    );
    for (const args of [["check"], ["check", "--json"], ["list"], ["get", `a/${TRICK}`], ["get", `a/${TRICK}`, "--json"], [`x${TRICK}`]]) {
      const { stdout, stderr } = await box.cli(args);
      expect(stdout.toString() + stderr).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
    }
    const found = JSON.parse((await box.cli(["check", "--json"])).stdout.toString()) as { findings: { subject: string }[] };
    expect(found.findings.map(({ subject }) => subject)).toContain(`notes\n${TRICK}.txt`);
  });
});
