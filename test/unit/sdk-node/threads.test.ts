import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { prepared, type Sandbox } from "../../support/sandbox.js";
import { rounds } from "../../support/slow.js";
import { makeVault } from "../../support/vault.js";
import { SDK } from "./agents-machine.js";

const READERS = 4;
const reads = rounds(5, 50, "THREAD_READS");

const vault = prepared((box) => makeVault(box, { "stripe/api-key": "sk_1" }, { bot: ["stripe"] }), { audit: true });

const root = mkdtempSync(join(tmpdir(), "agent-vault-other-"));
const other = otherVersion(root);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Reads in worker threads of one process at the same time, each with the package that it is given. */
async function readInThreads(box: Sandbox, packages: readonly string[], env: Record<string, string>): Promise<void> {
  const program = box.write(
    join(box.root, "threads.mjs"),
    `import { isMainThread, Worker, workerData } from "node:worker_threads";
    if (isMainThread) {
      const packages = ${JSON.stringify(packages)};
      await Promise.all(packages.map((sdk) => new Promise((done, failed) => {
        new Worker(new URL(import.meta.url), { workerData: sdk }).on("error", failed).on("exit", done);
      })));
    } else {
      const { Vault } = await import(workerData);
      const vault = new Vault(${optionsOf(box)});
      for (let count = 0; count < ${reads}; count++) if ((await vault.get("stripe/api-key")) !== "sk_1") throw new Error("not the value");
    }`,
  );
  const outcome = await box.run(process.execPath, [program], { env });
  expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
}

async function expectRecorded(box: Sandbox, count: number): Promise<void> {
  const rows = JSON.parse(await box.ok("audit", "--json", "--action", "get", "--last", "100000")) as { readonly outcome: string }[];
  expect(rows.map(({ outcome }) => outcome)).toEqual(Array.from({ length: count }, () => "done"));
  expect(JSON.parse(await box.ok("audit", "verify", "--json"))).toMatchObject({ holds: true });
}

describe.each(["ledger", "spool"])("with the record in the %s", (AGENT_VAULT_AUDIT) => {
  it("worker threads put each read on record once", async () => {
    const box = await vault();
    await readInThreads(
      box,
      Array.from({ length: READERS }, () => SDK),
      { AGENT_VAULT_AUDIT },
    );
    await expectRecorded(box, READERS * reads);
  });

  it("two versions of the package do, in threads of one process", async () => {
    const box = await vault();
    await readInThreads(box, [SDK, other, SDK, other], { AGENT_VAULT_AUDIT });
    await expectRecorded(box, READERS * reads);
  });

  it("two versions of the package do, in one thread", async () => {
    const box = await vault();
    const packages = [SDK, other];
    const program = box.write(
      join(box.root, "versions.mjs"),
      `const sdks = await Promise.all(${JSON.stringify(packages)}.map((name) => import(name)));
      if (sdks[0].Vault === sdks[1].Vault) throw new Error("one version");
      const vaults = sdks.map(({ Vault }) => new Vault(${optionsOf(box)}));
      for (let count = 0; count < ${reads}; count++) await Promise.all(vaults.map((vault) => vault.get("stripe/api-key")));`,
    );
    const outcome = await box.run(process.execPath, [program], { env: { AGENT_VAULT_AUDIT } });
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    await expectRecorded(box, packages.length * reads);
  });
});

it("a worker thread reads under a policy, and takes no token, whose roots are in the database", async () => {
  const box = await vault();
  const token = (JSON.parse(await box.ok("token", "mint", "--secret", "stripe/api-key", "--json")) as { token: string }).token;
  box.write(".agent-vault/policy.yaml", 'version: 1\nrules:\n  - {secrets: "**", allow: {agents: bot, actions: read}}\n');
  await box.sign();
  const program = box.write(
    join(box.root, "token.mjs"),
    `import { isMainThread, Worker } from "node:worker_threads";
    if (isMainThread) new Worker(new URL(import.meta.url));
    else {
      const { Vault } = await import(${JSON.stringify(SDK)});
      console.log(await new Vault(${optionsOf(box)}).get("stripe/api-key").catch((error) => error.code));
    }`,
  );
  const said = async (env: Record<string, string>) => (await box.run(process.execPath, [program], { env })).stdout.toString();
  expect(await said({})).toBe("sk_1\n");
  expect(await said({ AGENT_VAULT_TOKEN: token })).toMatch(/^(?:TOKEN_DENIED|LEDGER_UNAVAILABLE)\n$/);
});

function optionsOf(box: Sandbox): string {
  return JSON.stringify({ repoPath: box.repository, keyPath: box.agentKey("bot"), autoPull: false });
}

/** The package as another version of it would be installed, with an engine of its own. @returns its entry */
function otherVersion(root: string): string {
  const folder = join(root, "node_modules/agent-vault");
  const own = resolve(SDK, "../..");
  cpSync(join(own, "dist"), join(folder, "dist"), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(own, "package.json"), "utf8")) as Record<string, unknown>;
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, version: "0.3.0" }));
  const engines = resolve(own, "../node_modules/@tursodatabase");
  if (existsSync(engines)) cpSync(engines, join(root, "node_modules/@tursodatabase"), { recursive: true, dereference: true });
  return join(folder, "dist/index.js");
}
