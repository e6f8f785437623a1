import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { agentsMachines } from "./agents-machine.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const PACKAGES = ["packages/vault", "packages/ledger", "packages/runner", "sdk-node"];

const grantedVault = agentsMachines();
const run = promisify(execFile);

interface Package {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

it("can be installed from its packed files alone, and works by its name for import, require and TypeScript", async () => {
  const { box, options } = await grantedVault();
  const project = join(box.root, "project");
  const packed = join(box.root, "packed");
  for (const folder of [project, packed]) mkdirSync(folder);
  const env = { ...process.env, ...box.env, HOME: box.home, npm_config_update_notifier: "false" };
  const npm = (cwd: string, ...words: string[]) => run("npm", [...words, "--loglevel=error"], { cwd, env });

  await npm(ROOT, "pack", "--ignore-scripts", "--pack-destination", packed, ...PACKAGES.flatMap((folder) => ["--workspace", folder]));
  const own = PACKAGES.map((folder) => JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Package);
  // Other people's packages come from where they lie: this is about ours, and asks no registry.
  const theirs = own.flatMap(({ dependencies, optionalDependencies }) => Object.keys({ ...dependencies, ...optionalDependencies }));
  const dependencies = Object.fromEntries([
    ...theirs.filter((name) => !own.some((one) => one.name === name)).map((name) => [name, `file:${join(ROOT, "node_modules", name)}`]),
    ...own.map(({ name }) => [name, `file:${join(packed, tarball(packed, name))}`]),
  ]) as Record<string, string>;
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true, dependencies }));
  await npm(project, "install", "--offline", "--ignore-scripts", "--install-links=false");
  await npm(project, "ls", ...own.map(({ name }) => name));

  const read = `new Vault(${JSON.stringify(options)}).get("stripe/api-key").then(console.log)`;
  writeFileSync(join(project, "agent.mjs"), `import { Vault } from "agent-vault";\nvoid ${read};\n`);
  writeFileSync(join(project, "agent.cjs"), `const { Vault } = require("agent-vault");\nvoid ${read};\n`);
  const program = (name: string) => run(process.execPath, [join(project, name)], { cwd: project, env });
  const worked = { stdout: "sk_1\n", stderr: "" };
  expect(await Promise.all([program("agent.mjs"), program("agent.cjs")])).toEqual([worked, worked]);

  const types = `const errors: VaultError[] = [];\nexport const value: Promise<string> = new Vault({ repoPath: "." }).get("a/b");\n`;
  writeFileSync(join(project, "agent.mts"), `import { Vault, type VaultError } from "agent-vault";\n${types}void errors;\n`);
  writeFileSync(join(project, "agent.cts"), `import { Vault, type VaultError } from "agent-vault";\n${types}void errors;\n`);
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
  await run(join(ROOT, "node_modules/.bin/tsc"), [...flags, "agent.mts", "agent.cts"], { cwd: project, env });

  rmSync(join(project, "node_modules/@agent-vault/ledger"), { recursive: true });
  rmSync(join(project, "node_modules/@agent-vault/runner"), { recursive: true });
  expect(await program("agent.mjs")).toEqual(worked);
  // Without the database a use goes on record in the spool.
  expect(await run(process.execPath, ["agent.mjs"], { cwd: project, env: { ...env, AGENT_VAULT_AUDIT: "on" } })).toEqual(worked);
  expect(readdirSync(join(box.home, ".agent-vault", "ledger")).some((name) => name.endsWith(".spool"))).toBe(true);
});

function tarball(folder: string, name: string): string {
  const start = name.replace("@", "").replace("/", "-");
  return readdirSync(folder).find((file) => file.startsWith(`${start}-`) && /-\d/.test(file.slice(start.length, start.length + 2)))!;
}
