import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { expect, it, vi } from "vitest";
import { Vault } from "#sdk-node/index.js";
import { agentsMachines, SDK } from "./agents-machine.js";
import { cannot } from "../../support/programs.js";

/** Permissions do not bind root, so root runs the program as nobody. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const readable =
  process.platform !== "win32" && spawnSync(process.execPath, [SDK], { ...nobody, cwd: "/", env: { HOME: "/nonexistent" } }).status === 0;
const skipped = cannot(readable, "The SDK cannot be read without privileges here.");

const grantedVault = agentsMachines();

it.each([
  ["a home that is no folder", { AGENT_VAULT_HOME: "/dev/null/home" }, "UNWRITABLE", /AGENT_VAULT_HOME.*otlp, stderr or file:PATH/s],
  ["a spool in such a home", { AGENT_VAULT_HOME: "/dev/null/home", AGENT_VAULT_AUDIT: "spool" }, "UNWRITABLE", /AGENT_VAULT_HOME/],
  ["a disk that is full", { AGENT_VAULT_AUDIT: "file:/dev/full" }, "DISK_FULL", /Free some space/],
  ["a folder that is not there", { AGENT_VAULT_AUDIT: "file:/nowhere/at/all" }, "UNWRITABLE", /AGENT_VAULT_AUDIT/],
  [
    "a collector that is down",
    { AGENT_VAULT_AUDIT: "otlp", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" },
    "LEDGER_UNAVAILABLE",
    /OTEL/,
  ],
  ["a place that is none", { AGENT_VAULT_AUDIT: "legder" }, "USAGE", /ledger/],
])("reads nothing where the record has %s, and names the way on", async (_, env, code, remedy) => {
  const { options } = await grantedVault();
  const keyStr = readFileSync(options.keyPath, "utf8");
  for (const [name, value] of Object.entries({ AGENT_VAULT_AUDIT: "ledger", ...env })) vi.stubEnv(name, value);
  const vault = new Vault({ repoPath: options.repoPath, keyStr, autoPull: false });
  await expect(vault.get("stripe/api-key")).rejects.toMatchObject({ code, remedy: expect.stringMatching(remedy) as unknown });
});

it.skipIf(skipped)("reads from a folder, with a home, in which nothing can be written", async () => {
  const { box } = await grantedVault();
  const clone = join(box.root, "clone");
  box.gitIn(box.root, "clone", "--quiet", box.addRemote(), clone);
  rmSync(join(box.home, ".agent-vault/trust"), { recursive: true });
  const program = box.write(
    join(box.root, "agent.mjs"),
    `import { Vault } from ${JSON.stringify(SDK)};
     const vault = new Vault({ repoPath: ${JSON.stringify(clone)}, keyPath: ${JSON.stringify(box.agentKey("bot"))} });
     console.log(await vault.get("stripe/api-key"), await vault.get("stripe/api-key"), vault.listAgents().length);`,
  );
  if (nobody.uid !== undefined) execFileSync("chown", ["-R", `${nobody.uid}:${nobody.gid}`, box.root]);
  execFileSync("chmod", ["-R", "a-w", box.root]);
  const before = execFileSync("find", [box.root, "-type", "f"], { encoding: "utf8" });
  const child = spawn(process.execPath, [program], { ...nobody, cwd: "/", env: box.env, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(stdout).toBe("sk_1 sk_1 1\n");
  const warnings = stderr.split("\n").filter((line) => line.includes("AgentVaultWarning"));
  expect(warnings).toEqual([expect.stringContaining("could not be asked"), expect.stringContaining("could not be remembered")]);
  expect(execFileSync("find", [box.root, "-type", "f"], { encoding: "utf8" })).toBe(before);
  execFileSync("chmod", ["-R", "u+w", box.root]);
});
