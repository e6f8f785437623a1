import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { expect, it } from "vitest";
import { agentsMachines } from "./agents-machine.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const NATIVE = "@tursodatabase/database-linux-x64-gnu";

const grantedVault = agentsMachines();
const run = promisify(execFile);

it("can be installed from its packed files alone, and works by its name for import, require and TypeScript", async () => {
  const { box, options } = await grantedVault();
  const project = join(box.root, "project");
  const packed = join(box.root, "packed");
  for (const folder of [project, packed]) mkdirSync(folder);
  const env = { ...process.env, ...box.env, HOME: box.home, npm_config_update_notifier: "false" };
  const npm = (cwd: string, ...words: string[]) => run("npm", [...words, "--loglevel=error"], { cwd, env });

  await npm(ROOT, "pack", "--ignore-scripts", "--pack-destination", packed, "--workspace", "sdk-node");
  // The engine comes from where it lies: this is about our package, and asks no registry.
  const engine = join(ROOT, "node_modules", NATIVE);
  const dependencies = {
    "agent-vault": `file:${join(packed, readdirSync(packed)[0]!)}`,
    ...(existsSync(engine) && { [NATIVE]: `file:${engine}` }),
  };
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true, dependencies }));
  await npm(project, "install", "--offline", "--ignore-scripts", "--install-links=false");

  const read = `new Vault(${JSON.stringify(options)}).get("stripe/api-key").then(console.log)`;
  const same = `console.log(Vault === require("agent-vault").Vault);`;
  writeFileSync(
    join(project, "agent.mjs"),
    `import { createRequire } from "node:module";\nimport { Vault } from "agent-vault";\nconst require = createRequire(import.meta.url);\n${same}\nvoid ${read};\n`,
  );
  writeFileSync(join(project, "agent.cjs"), `const { Vault } = require("agent-vault");\n${same}\nvoid ${read};\n`);
  const program = (name: string, more: Record<string, string> = {}) =>
    run(process.execPath, [join(project, name)], { cwd: project, env: { ...env, ...more } });
  const worked = { stdout: "true\nsk_1\n", stderr: "" };
  expect(await Promise.all([program("agent.mjs"), program("agent.cjs")])).toEqual([worked, worked]);

  const types = `const errors: VaultError[] = [];\nexport const value: Promise<string> = new Vault({ repoPath: "." }).get("a/b");\n`;
  writeFileSync(join(project, "agent.mts"), `import { Vault, type VaultError } from "agent-vault";\n${types}void errors;\n`);
  writeFileSync(join(project, "agent.cts"), `import { Vault, type VaultError } from "agent-vault";\n${types}void errors;\n`);
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--types", "node", "--typeRoots", join(ROOT, "node_modules/@types")];
  await run(join(ROOT, "node_modules/.bin/tsc"), [...flags, "agent.mts", "agent.cts"], { cwd: project, env });

  if (existsSync(engine)) {
    expect(await program("agent.cjs", { AGENT_VAULT_AUDIT: "on" })).toEqual(worked);
    rmSync(join(project, "node_modules", NATIVE), { recursive: true });
  }
  expect(await program("agent.mjs")).toEqual(worked);
  // Without the database a use goes on record in the spool.
  expect(await program("agent.mjs", { AGENT_VAULT_AUDIT: "on" })).toEqual(worked);
  expect(readdirSync(join(box.home, ".agent-vault", "ledger")).some((name) => name.endsWith(".spool"))).toBe(true);
});

it("is what publint and attw find right for every way to resolve it", async () => {
  const bin = (name: string) => join(ROOT, "node_modules/.bin", name);
  const env = { ...process.env, NO_COLOR: "1" };
  await run(bin("publint"), ["--strict", "sdk-node"], { cwd: ROOT, env });
  const { stdout } = await run(bin("attw"), ["--pack", "sdk-node", "--format", "json"], { cwd: ROOT, env });
  const { analysis, problems = {} } = JSON.parse(stdout) as {
    analysis: { entrypoints: Record<string, { resolutions: Record<string, object> }> };
    problems?: object;
  };
  expect(Object.keys(problems)).toEqual([]);
  expect(Object.keys(analysis.entrypoints["."]!.resolutions)).toEqual(["node10", "node16-cjs", "node16-esm", "bundler"]);
});

it("recognizes the errors of another copy, and no other errors", async () => {
  const ours = await import("#sdk-node/index.js");
  const other = (await import("node:module")).createRequire(import.meta.url)("../../../sdk-node/dist/index.cjs") as typeof ours;
  expect(other.VaultError).not.toBe(ours.VaultError);
  const errors = [
    new other.NotAuthorizedError("NOT_AUTHORIZED", "a"),
    runInContext("new Error('b')", createContext()) as Error,
    Object.assign(new Error("c"), { code: "NOT_AUTHORIZED", remedy: "d" }),
  ];
  class Own extends ours.NotAuthorizedError {}
  const classes = [ours.VaultError, ours.NotAuthorizedError, ours.SecretNotFoundError, Own];
  expect(errors.map((error) => classes.map((Class) => error instanceof Class))).toEqual([
    [true, true, false, false],
    [false, false, false, false],
    [false, false, false, false],
  ]);
  expect(new Own("NOT_AUTHORIZED", "e") instanceof Own).toBe(true);
});
