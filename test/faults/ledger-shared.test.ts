import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { Ledger } from "#ledger/index.js";
import { loadKeys, openState, parseRecipient } from "#vault/index.js";
import { Sandbox } from "../support/sandbox.js";
import { makeVault } from "../support/vault.js";
import { rounds } from "../support/slow.js";

const PROCESS = join(import.meta.dirname, "ledger-process.mjs");
/** `LEDGER_ROUNDS=30` for what the engine is judged by before it is taken in a new version. */
const ROUNDS = rounds(1, 30, "LEDGER_ROUNDS");
const ROLES = [
  ...Array.from({ length: 8 }, () => "write"),
  ...Array.from({ length: 4 }, () => "read"),
  ...Array.from({ length: 4 }, () => "refresh"),
];
const WORK = 6;
const KILLS = 6;

it(`survives 16 processes at once with random kills, ${ROUNDS} rounds`, { timeout: 60_000 * ROUNDS }, async () => {
  const box = new Sandbox();
  const temporary = join(box.root, "tmp");
  mkdirSync(temporary);
  const secret = { value: "x", provider: "plaintext-provider" };
  await makeVault(box, { "stripe/plaintext-name": secret, "stripe/plaintext-other": secret, "db/plaintext-url": secret });

  const said: string[] = [];
  const leaks = new Set<string>();
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const alive = new Map<ChildProcess, string>();
    const ends = ROLES.map((role, index) => {
      const words = [PROCESS, role, `${round}-${index}`, String(WORK), box.vault];
      const child = spawn(process.execPath, words, {
        cwd: box.repository,
        env: { ...box.env, TMPDIR: temporary, SQLITE_TMPDIR: temporary },
        stdio: ["ignore", "pipe", "pipe"],
      });
      alive.set(child, role);
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      createInterface(child.stdout).on("line", (line) => {
        said.push(line);
        if (killed < (round + 1) * KILLS && Math.random() < 0.08) killOne();
        if (Math.random() < 0.1) lookForPlaintext();
      });
      return once(child, "close").then(([code, signal]) => {
        alive.delete(child);
        return { code: code as number | null, signal: signal as string | null, stderr };
      });
    });
    for (const { code, signal, stderr } of await Promise.all(ends)) {
      if (signal !== "SIGKILL") expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
    }
    lookForPlaintext();

    function killOne(): void {
      const children = [...alive.keys()];
      const victim = children[Math.floor(Math.random() * children.length)];
      if (victim?.kill("SIGKILL")) killed++;
    }
  }

  expect(said.filter((line) => line.startsWith("warning"))).toEqual([]);
  expect([...leaks]).toEqual([]);
  expect(killed).toBeGreaterThan(0);

  const context = box.context();
  const { identities } = await loadKeys(context);
  const state = await openState(context, box.vault);
  const ledger = await Ledger.open({
    context,
    vault: state.config.id!,
    identities: async () => identities,
    recipients: async () => [parseRecipient(await identities[0]!.recipient())],
  });
  const rows = (await ledger.audit.list()).map((entry) => ({ word: entry.command![1], id: entry.id, completion: entry.completion?.id }));
  const acknowledged = said.filter((line) => /^(?:recorded|completed)/.test(line)).map((line) => line.split(" "));
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  for (const [what, id, word] of acknowledged) {
    const of = rows.filter((row) => row.word === word);
    expect(of.map((row) => (what === "recorded" ? row.id : row.completion))).toEqual([Number(id)]);
  }
  expect(await ledger.audit.verifyChain(new Map(), [])).toMatchObject({ holds: true });
  expect(await ledger.index.refresh(state)).toMatchObject({ total: 3 });
  expect((await ledger.health()).setAside).toEqual([]);
  expect(context.warnings).toEqual([]);

  function lookForPlaintext(): void {
    for (const folder of [join(box.home, ".agent-vault/ledger"), temporary]) {
      for (const name of readdirSync(folder)) {
        const file = join(folder, name);
        // A draft may be gone by now.
        if (statSync(file, { throwIfNoEntry: false })?.isFile() && readFileSync(file).includes("plaintext")) leaks.add(file);
      }
    }
  }
});
