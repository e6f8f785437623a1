// What the ledger costs: an audit row in a cold process, writers side by side, the newest of a million rows, an index of many secrets.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { append } from "../../packages/ledger/dist/database/audit-row.js";
import { LedgerDatabase } from "../../packages/ledger/dist/database/database.js";
import { AuditLog, Ledger } from "../../packages/ledger/dist/index.js";
import { listSecrets, loadKeys, openState, parseRecipient, processContext, VaultState } from "../../packages/vault/dist/index.js";
import { comparison, medians } from "./measure.mjs";
import { buildVault } from "./vault.mjs";

/** Bundled as the command line is, whose start is what counts. */
const BUNDLE = fileURLToPath(new URL("../../node_modules/.cache/bench-ledger", import.meta.url));
const WRITER = join(BUNDLE, "ledger-writer.mjs");
const KEY = "ab".repeat(32);
const BENCH_VAULT = "00000000-bench-ledger";
const APPENDS = 50;

export async function measure({ full, withMachine, say }) {
  const comparisons = [];
  await bundleWriter();
  await withMachine(async (machine) => {
    machine.env.AGENT_VAULT_LEDGER_KEY = KEY;
    const { database, ledger } = openHere(machine);
    await ledger.audit.head();

    const { cold, idle } = medians(
      {
        cold: () => machine.run(process.execPath, WRITER, "1", "1"),
        idle: () => machine.run(process.execPath, WRITER, "0", "0"),
      },
      15,
    );
    for (const writers of [1, 16]) {
      say(`${writers} writers`);
      const start = performance.now();
      const children = Array.from({ length: writers }, () =>
        spawn(process.execPath, [WRITER, "1", String(APPENDS)], { env: machine.env, stdio: "inherit" }),
      );
      for (const [code] of await Promise.all(children.map((child) => once(child, "close"))))
        if (code !== 0) throw new Error(`a writer ended with ${code}`);
      const time = performance.now() - start;
      process.stderr.write(`  ${Math.round((writers * APPENDS * 1000) / time)} rows a second, start of the processes included\n`);
      comparisons.push(
        comparison(
          `${writers} x ${APPENDS} rows, each opened, written, closed`,
          time,
          "one after the other",
          (cold - idle) * writers * APPENDS,
        ),
      );
    }

    const rows = full ? 1_000_000 : 100_000;
    say(`writing ${rows} rows`);
    const event = { action: "run", outcome: "done", who: "bot", secrets: ["stripe/api-key"], command: ["deploy", "--all"], branch: "main" };
    for (let written = 0; written < rows; written += 50_000) {
      await database.write((connection) => {
        for (let row = 0; row < 50_000; row++) append(connection, BENCH_VAULT, new Date(1.8e12 + (written + row) * 1000), event);
      });
    }
    const last = await timed(() => ledger.audit.list({ last: 50 }));
    const verify = await timed(() => ledger.audit.verifyChain(new Map(), []));
    comparisons.push(comparison(`the last 50 of ${rows} audit rows`, last, "the chain of all of them verified", verify));
  });

  await withMachine((machine) => {
    delete machine.env.AGENT_VAULT_AUDIT;
    machine.run(...machine.cli("init"));
    machine.run(...machine.cli("set", "stripe/api-key", "--generate"));
    const get = machine.cli("get", "stripe/api-key", "--no-pull");
    // A home without a ledger, since on one with a ledger each use with the record off would leave a note for the next.
    const silentHome = join(machine.root, "silent");
    cpSync(join(machine.home, ".agent-vault/owner.key"), join(silentHome, "owner.key"));
    cpSync(join(machine.home, ".agent-vault/trust"), join(silentHome, "trust"), { recursive: true });
    const without = ["env", "AGENT_VAULT_AUDIT=off", `AGENT_VAULT_HOME=${silentHome}`];
    const { recorded, silent } = medians({ recorded: () => machine.run("env", ...get), silent: () => machine.run(...without, ...get) }, 41);
    const reach = { says: "20 ms more", reached: recorded - silent <= 20 };
    comparisons.push(comparison("a get in a cold process, on record", recorded, "the same with the record off", silent, reach));
  });

  const secrets = full ? 100_000 : 2000;
  say(`building a vault of ${secrets}`);
  await withMachine(async (machine) => {
    machine.env.AGENT_VAULT_LEDGER_KEY = KEY;
    delete machine.env.AGENT_VAULT_AUDIT;
    await buildVault(machine, { secrets, recipients: 2 });
    const vault = join(machine.repository, ".agent-vault");
    const context = processContext({ cwd: machine.repository, env: machine.env });
    const state = await openState(context, vault);
    const { identities } = await loadKeys(context);
    const recipients = [parseRecipient(await identities[0].recipient())];
    const ledger = await Ledger.open({
      context,
      vault: state.config.id,
      identities: async () => identities,
      recipients: async () => recipients,
    });
    await ledger.index.size();
    const files = await timed(() => listSecrets(new VaultState(vault)));
    const first = await timed(() => ledger.index.refresh(state));
    comparisons.push(comparison(`an index of ${secrets} secrets from nothing`, first, "reading and parsing them all", files));
    machine.run(
      ...machine.cli("set", "--keep-value", (await ledger.index.query({ limit: 1 })).secrets[0].secret, "--description", "changed"),
    );
    const changed = await openState(context, vault);
    const again = await timed(() => ledger.index.refresh(changed));
    comparisons.push(comparison("the index after one change", again, "reading and parsing them all", files));
    const query = (name, words) =>
      timed(() => ledger.index.query(words)).then((time) =>
        comparisons.push(comparison(name, time, "reading and parsing them all", files)),
      );
    await query("list of a group, 200 of it", { group: "fleet", limit: 200 });
    await query("list by a search, 200 found", { search: "CHANGED", limit: 200 });
    await query("list of all", {});
    const list = machine.cli("list", "--group", "fleet", "--limit", "200", "--json");
    const search = machine.cli("list", "--search", "changed", "--json");
    const off = ["env", "AGENT_VAULT_AUDIT=off"];
    const { indexed, read, found, sought, check } = medians(
      {
        indexed: () => machine.run(...list),
        read: () => machine.run(...off, ...list),
        found: () => machine.run(...search),
        sought: () => machine.run(...off, ...search),
        check: () => machine.run(...machine.cli("check")),
      },
      full ? 3 : 7,
    );
    comparisons.push(comparison(`agent-vault list --group of ${secrets}`, indexed, "the same from the files", read));
    comparisons.push(comparison(`agent-vault list --search in ${secrets}`, found, "the same from the files", sought));
    comparisons.push(comparison(`agent-vault check of ${secrets}, file for file`, check, "a list from the files", read));
  });
  return comparisons;
}

async function bundleWriter() {
  await build({
    entryPoints: [fileURLToPath(new URL("ledger-writer.mjs", import.meta.url))],
    outdir: BUNDLE,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // The addon itself stays where it is installed.
    external: ["./turso.*.node", "@tursodatabase/database-*", "@napi-rs/keyring"],
    logLevel: "error",
    banner: { js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);' },
  });
}

function openHere(machine) {
  const context = processContext({ env: machine.env });
  const path = join(context.home, "ledger", `${BENCH_VAULT}.db`);
  const database = new LedgerDatabase(context, BENCH_VAULT, { path, cipher: "aegis256", key: Buffer.from(KEY, "hex") });
  return { database, ledger: { audit: new AuditLog(context, database, BENCH_VAULT) } };
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
