import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { readSecret } from "#vault/index.js";
import { rememberedAncestry } from "#vault/trust/memory-store.js";
import { parseMemory } from "#vault/trust/memory-file.js";
import { allStates, statesOn } from "#vault/trust/memory.js";
import { cannot } from "../support/programs.js";
import { Sandbox } from "../support/sandbox.js";
import { rounds } from "../support/slow.js";
import { makeVault } from "../support/vault.js";

const REPOSITORY = resolve(import.meta.dirname, "../..");
/** The environment of tools/python.mjs, which `node tools/python.mjs` makes. */
const PYTHON = join(REPOSITORY, "node_modules/.cache/agent-vault-python/bin/python");
const [NODE_PROCESS, PYTHON_PROCESS] = ["memory-process.mjs", "memory-process.py"].map((name) => join(import.meta.dirname, name));
const ROUNDS = rounds(1, 30);
const PROCESSES = 16;
/** States that each process reads in a round. */
const WORK = 3;
const KILLS = 4;
/** States of `init` and the first value. */
const BEFORE = 2;

const hasPython = !cannot(existsSync(PYTHON), "The environment of the Python SDK is not there (node tools/python.mjs makes it).", false);

it(
  `remembers what each of 16 processes of Node and Python read, with random kills, ${ROUNDS} rounds`,
  { timeout: 60_000 * ROUNDS },
  async () => {
    const box = new Sandbox();
    await makeVault(box, { "stripe/api-key": "0" });
    const states = join(box.root, "states");
    for (let state = 1; state <= 1 + WORK * ROUNDS; state++) {
      await box.set("stripe/api-key", String(state));
      cpSync(box.vault, join(states, String(state)), { recursive: true });
    }
    const home = join(box.root, "shared");
    mkdirSync(join(home, ".agent-vault"), { recursive: true });
    cpSync(box.ownerKey, join(home, ".agent-vault/owner.key"));
    const env = { ...box.env, HOME: home, PYTHONPATH: join(REPOSITORY, "sdk-python/src"), PYTHONDONTWRITEBYTECODE: "1" };
    const clones = Array.from({ length: PROCESSES }, (_, index) => join(box.root, `clone-${index}`));
    const reached = new Map<string, number>();
    for (const clone of clones) {
      cpSync(join(states, "1"), join(clone, ".agent-vault"), { recursive: true });
      box.gitIn(clone, "init", "--quiet");
      await readSecret({ ...box.context({ env }), home: join(home, ".agent-vault") }, join(clone, ".agent-vault"), "stripe/api-key");
      reached.set(clone, 1);
    }

    let killed = 0;
    let newest = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const alive = new Set<ChildProcess>();
      const to = 1 + WORK * (round + 1);
      const ends = clones.map(async (clone, index) => {
        const isPython = hasPython && index % 2 === 1;
        const words = [isPython ? PYTHON_PROCESS! : NODE_PROCESS!, clone, states, String(2 + WORK * round), String(to)];
        const child = spawn(isPython ? PYTHON : process.execPath, words, { env, stdio: ["ignore", "pipe", "pipe"] });
        alive.add(child);
        let stderr = "";
        child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
        const closed = once(child, "close");
        for await (const line of createInterface(child.stdout)) {
          const [what, state] = line.split(" ");
          expect(what, line).toBe("remembered");
          reached.set(clone, Number(state));
          requireRemembered();
          if (killed < (round + 1) * KILLS && Math.random() < 0.3) killOne();
        }
        const [code, signal] = (await closed) as [number | null, string | null];
        alive.delete(child);
        return { code, signal, stderr };
      });
      try {
        for (const { code, signal, stderr } of await Promise.all(ends)) {
          if (signal !== "SIGKILL") expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
        }
      } finally {
        for (const child of alive) child.kill("SIGKILL");
      }
      requireRemembered();

      function killOne(): void {
        const victim = [...alive][Math.floor(Math.random() * alive.size)];
        if (victim?.kill("SIGKILL")) killed++;
      }
    }
    expect(killed).toBeGreaterThan(0);
    expect(newest).toBeGreaterThan(WORK * ROUNDS);

    /** Whatever was said to be remembered is so, in each clone and for the vault. */
    function requireRemembered(): void {
      const folder = join(home, ".agent-vault/trust");
      const vaultId = readdirSync(folder)[0]!;
      const read = () => readFileSync(join(folder, vaultId, "memory.json"), "utf8");
      const text = read();
      const memory = parseMemory(text, vaultId)!;
      for (const [clone, state] of reached) {
        const [seen] = statesOn(memory, join(clone, ".git"), "refs/heads/main");
        expect(seen && valueOf(seen), clone).toBeGreaterThanOrEqual(state);
      }
      const accepted = Math.max(...memory.accepted.map(valueOf));
      expect(accepted).toBeGreaterThanOrEqual(Math.max(newest, ...reached.values()));
      newest = accepted;
      const context = { ...box.context({ env }), home: join(home, ".agent-vault") };
      const behind = allStates(memory).map(({ lock, sequence }) => [sequence - 1, rememberedAncestry(context, vaultId, lock)?.size]);
      // A process that has written the memory since may have taken the file of a state away that is in no place any more.
      if (read() === text) for (const [expected, size] of behind) expect(size).toBe(expected);
    }

    /** The number of a state as it was copied. */
    function valueOf({ sequence }: { readonly sequence: number }): number {
      return sequence - BEFORE;
    }
  },
);
