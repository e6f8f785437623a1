import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
// @ts-expect-error It is a program without types.
import { pythonEnvironment } from "../../tools/python.mjs";
import { CLI, prepared, type Sandbox } from "../support/sandbox.js";
import { rounds, SLOW } from "../support/slow.js";
import { makeVault } from "../support/vault.js";
import { recordCalls, runWatched } from "./at-call.js";

const SDK = resolve(import.meta.dirname, "../../sdk-node/dist/index.js");
const PYTHON_SDK = resolve(import.meta.dirname, "../../sdk-python/src");
const { python } = pythonEnvironment() as { readonly python?: string };
const WRITERS = SLOW ? 8 : 3;
const MAX_LIFE_MS = SLOW ? 2500 : 700;

const vault = prepared((box) => makeVault(box, { "a/one": "1" }, {}), { audit: true });

/** Each prints how many of its reads have returned, and so are acknowledged. */
const NODE = `
import { Vault } from ${JSON.stringify(SDK)};
const vault = new Vault({ repoPath: process.argv[2], autoPull: false });
for (let count = 1; ; count++) { await vault.get("a/one"); process.stdout.write(count + "\\n"); }
`;
const PYTHON = `
import sys
from agent_vault import Vault
vault = Vault(sys.argv[1], auto_pull=False)
count = 0
while True:
    count += 1
    vault.get("a/one")
    print(count, flush=True)
`;

describe.skipIf(python === undefined)("writers of a spool that are killed", () => {
  it("lose no read that was acknowledged, and the ledger takes each in once, while others write and it is killed itself", async () => {
    const box = await vault();
    const folder = join(box.root, "programs");
    mkdirSync(folder);
    writeFileSync(join(folder, "writer.mjs"), NODE);
    writeFileSync(join(folder, "writer.py"), PYTHON);
    let acknowledged = 0;
    let begun = 0;
    for (let round = 0; round < rounds(1, 30, "SPOOL_ROUNDS"); round++) {
      const writers = Array.from({ length: WRITERS * 2 }, (_, index) =>
        index % 2 === 0
          ? writer(box, process.execPath, join(folder, "writer.mjs"), { AGENT_VAULT_AUDIT: "spool" })
          : writer(box, python!, join(folder, "writer.py"), { PYTHONPATH: PYTHON_SDK }),
      );
      const readers = [0, 1].map(() =>
        spawn(process.execPath, [CLI, "audit", "--json"], { cwd: box.repository, env: box.env, stdio: "ignore" }),
      );
      await Promise.all([...writers.map(({ child, atWork }) => killed(child, atWork)), ...readers.map((child) => killed(child))]);
      for (const { last } of writers) {
        acknowledged += last();
        begun += last() + 1;
      }
    }
    const all = JSON.parse(await box.ok("audit", "--json", "--action", "get", "--last", "1000000")) as {
      machine?: string;
      used: string;
      proven: boolean;
    }[];
    expect(all.every(({ proven }) => proven)).toBe(true);
    expect(acknowledged).toBeGreaterThan(0);
    // One more of each writer may be on the disk, whose value was not handed out yet.
    expect(all.length).toBeGreaterThanOrEqual(acknowledged);
    expect(all.length).toBeLessThanOrEqual(begun);
    expect(JSON.parse(await box.ok("audit", "verify", "--json"))).toMatchObject({ holds: true });
  }, 3_600_000);
});

describe("a reader of a spool", () => {
  it.each(["rename", "rm"])("that is killed before it has deleted what it took in (%s) takes no row in twice", async (call) => {
    const box = await vault();
    const line = { words: ["audit", "--json", "--action", "get"] };
    const rehearsal = await box.copy();
    for (const one of [rehearsal, box]) await one.process(["get", "a/one"], { env: { AGENT_VAULT_AUDIT: "spool" } });
    const calls = await recordCalls(rehearsal, line);
    const index = calls.findIndex((name) => name.startsWith(call) && name.includes(".spool/"));
    expect([call, index >= 0]).toEqual([call, true]);
    expect((await runWatched(box, line, { at: index + 1 })).signal).toBe("SIGKILL");
    expect(spooled(box)).toHaveLength(1);
    for (let times = 0; times < 2; times++)
      expect(JSON.parse(await box.ok(...line.words))).toMatchObject([{ secrets: ["a/one"], proven: true }]);
    expect(spooled(box)).toEqual([]);
  });
});

/** The segments of a machine. */
function spooled(box: Sandbox): string[] {
  const names = readdirSync(join(box.home, ".agent-vault/ledger"), { recursive: true }).map(String);
  return names.filter((name) => /\.spool[\\/]/.test(name));
}

function writer(
  box: Sandbox,
  program: string,
  file: string,
  env: Record<string, string>,
): { child: ChildProcess; last: () => number; atWork: Promise<unknown> } {
  const child = spawn(program, [file, box.repository], {
    cwd: box.repository,
    env: { ...box.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let last = 0;
  const lines = createInterface(child.stdout).on("line", (line) => (last = Number(line)));
  return { child, last: () => last, atWork: once(lines, "line") };
}

/** Kills a process at a random time, and waits until all that it has printed was read. */
async function killed(child: ChildProcess, atWork?: Promise<unknown>): Promise<void> {
  await atWork;
  setTimeout(() => child.kill("SIGKILL"), Math.random() * MAX_LIFE_MS);
  await once(child, "close");
}
