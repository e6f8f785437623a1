import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { expect, it } from "vitest";
import { mayMount } from "./may-mount.js";
import { LedgerHome } from "../support/ledger.js";
import { cannot } from "../support/programs.js";

/** What these take: root on Linux, to mount a small disk and to become another user. */
const skipped = cannot(mayMount(), "A small disk cannot be mounted here, which takes root on Linux.");

const LEDGER = new URL("../../packages/ledger/dist/index.js", import.meta.url).href;
const VAULT_PACKAGE = new URL("../../packages/vault/dist/index.js", import.meta.url).href;

/** Records once in a process of its own, as nobody. @returns the error's code, or `done` */
async function recordAsNobody(home: LedgerHome): Promise<string> {
  const program = `
    const { Ledger } = await import(${JSON.stringify(LEDGER)});
    const { processContext } = await import(${JSON.stringify(VAULT_PACKAGE)});
    const context = processContext();
    try {
      const ledger = await Ledger.open({ context, vault: "7c1f5a70-0000-4000-8000-00000000abcd", identities: async () => [], recipients: async () => [] });
      await ledger.audit.record({ action: "get", outcome: "done" });
      console.log("done");
    } catch (error) {
      console.log(error.code ?? error.stack);
    }`;
  const env = { PATH: process.env["PATH"], AGENT_VAULT_HOME: home.home, AGENT_VAULT_LEDGER_KEY: "ab".repeat(32) };
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: "/",
    env,
    uid: 65534,
    gid: 65534,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  expect((await once(child, "close"))[1]).toBe(null);
  return said.trim();
}

it.skipIf(skipped)("says so where the folder is read-only, or another user's", async () => {
  const home = await LedgerHome.make();
  chmodSync(home.root, 0o755);
  chownSync(home.home, 65534, 65534);
  expect(await recordAsNobody(home)).toBe("done");
  chownSync(home.folder, 0, 0);
  expect(await recordAsNobody(home)).toBe("LEDGER_FOLDER");
  chownSync(home.folder, 65534, 65534);
  for (const name of readdirSync(home.folder)) chmodSync(join(home.folder, name), 0o400);
  expect(await recordAsNobody(home)).toBe("UNWRITABLE");
  for (const name of readdirSync(home.folder)) chmodSync(join(home.folder, name), 0o600);
  expect(await recordAsNobody(home)).toBe("done");

  const elsewhere = await LedgerHome.make();
  chmodSync(elsewhere.root, 0o755);
  chmodSync(elsewhere.home, 0o555);
  expect(await recordAsNobody(elsewhere)).toBe("UNWRITABLE");
});

it.skipIf(skipped)("records all or nothing on a disk that fills up, and goes on when there is room", { timeout: 120_000 }, async () => {
  const home = await LedgerHome.make();
  mkdirSync(home.folder);
  expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", home.folder]).status).toBe(0);
  try {
    const { audit } = await home.open();
    await audit.record({ action: "get", outcome: "done" });
    const filler = join(home.folder, "filler");
    let recorded = 1;
    const codes = new Set<unknown>();
    for (const pages of [0, 1, 2, 3, 5, 8]) {
      const { bavail } = statfsSync(home.folder);
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail - pages) * 4096));
      for (let attempt = 0; attempt < 3; attempt++) {
        await audit.record({ action: "get", outcome: "done", reason: "x".repeat(3000) }).then(
          () => recorded++,
          (error: unknown) => codes.add((error as { code?: unknown }).code),
        );
      }
      writeFileSync(filler, "");
      const report = await audit.verifyChain(new Map(), []);
      expect(report).toMatchObject({ holds: true, rows: recorded });
    }
    expect([...codes]).toEqual(["DISK_FULL"]);
    expect(home.warnings).toEqual([]);
    expect(existsSync(home.file)).toBe(true);
  } finally {
    spawnSync("umount", ["--lazy", home.folder]);
  }
});
