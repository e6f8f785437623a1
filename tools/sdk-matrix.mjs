// Reads a secret with the packed SDKs in every place where programs load them: test runners, TypeScript's runners and module resolutions, a bundler,
// every supported version of Node and of Python. By default those that need nothing installed; with SLOW=1 all, which it first installs beside what
// npm caches here. Prints a line for each, and fails where one does.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { root, setUp } from "./setup.mjs";

const SLOW = Boolean(process.env["SLOW"]);
const cache = join(root, "node_modules/.cache/sdk-matrix");
const CLI = join(root, "packages/cli/bin/agent-vault.js");
const NATIVE = "@tursodatabase/database-linux-x64-gnu";
const TOOLS = ["jest@30.5.2", "ts-node@10.9.2", "tsx@4.20.6", "typescript@5.9.3", "vitest@4.1.12", "@types/node@20"];

setUp();
const machine = mkdtempSync(join(tmpdir(), "agent-vault-matrix-"));
const home = join(machine, "home");
const repository = join(machine, "repository");
const project = join(machine, "project");
for (const folder of [home, repository, project]) mkdirSync(folder);
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:AGENT_VAULT_|NODE_OPTIONS$|CI$|CLAUDE|AI_AGENT$)/.test(name))),
  HOME: home,
  GIT_CONFIG_GLOBAL: join(machine, "gitconfig"),
  GIT_CONFIG_NOSYSTEM: "1",
  npm_config_update_notifier: "false",
};
let failed = 0;
try {
  makeVault();
  installPackage();
  await nodeCases();
  await typeCases();
  await bundleCases();
  await runnerCases();
  await pythonCases();
} finally {
  rmSync(machine, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;

/** A vault whose one agent may read one secret, and that agent's key alone at home, so that it is found without being named. */
function makeVault() {
  writeFileSync(env.GIT_CONFIG_GLOBAL, "[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n");
  const av = (...words) =>
    must(process.execPath, [CLI, "-C", repository, ...words], { input: "sk_1", env: { ...env, AGENT_VAULT_AUDIT: "off" } });
  av("init", "--no-hook");
  av("set", "stripe/api-key");
  av("add-agent", "bot");
  av("grant", "bot", "stripe");
  rmSync(join(home, ".agent-vault/owner.key"));
}

/** The package as it is published, in a project that has nothing else of ours. */
function installPackage() {
  must("npm", ["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", machine, "--workspace", "sdk-node"], { cwd: root });
  const modules = join(project, "node_modules");
  mkdirSync(join(modules, "agent-vault"), { recursive: true });
  const tarball = readdirSync(machine).find((name) => name.endsWith(".tgz"));
  must("tar", ["-xzf", join(machine, tarball), "--strip-components=1", "-C", join(modules, "agent-vault")]);
  if (existsSync(join(root, "node_modules", NATIVE))) {
    mkdirSync(join(modules, "@tursodatabase"));
    symlinkSync(join(root, "node_modules", NATIVE), join(modules, NATIVE));
  }
  mkdirSync(join(modules, "@types"));
  for (const name of ["@types/node", "undici-types"]) symlinkSync(join(root, "node_modules", name), join(modules, name));
  const read = `const vault = new Vault({ repoPath: ${JSON.stringify(repository)} });`;
  const body = `${read}\nvault.get("stripe/api-key").then((value) => console.log(value));\n`;
  write("package.json", JSON.stringify({ name: "project", private: true }));
  write("read.cjs", `const { Vault } = require("agent-vault");\n${body}`);
  write("read.mjs", `import { Vault } from "agent-vault";\n${body}`);
  write(
    "read.ts",
    `import { Vault, NotAuthorizedError, type SecretMetadata } from "agent-vault";\nexport const kind: typeof NotAuthorizedError = NotAuthorizedError;\nexport const rows: SecretMetadata[] = [];\n${body}`,
  );
  const checks = `${read}
    expect(await vault.get("stripe/api-key")).toBe("sk_1");
    expect(vault.listSecrets()[0].name).toBe("stripe/api-key");
    await expect(vault.get("stripe/none")).rejects.toBeInstanceOf(SecretNotFoundError);
    await expect(vault.get("stripe/none")).rejects.toMatchObject({ code: "SECRET_NOT_FOUND" });
    expect(() => new Vault({ repoPath: "/nowhere/at/all" })).toThrow(VaultNotFoundError);`;
  write(
    "jest-cjs/read.test.cjs",
    `const { Vault, SecretNotFoundError, VaultNotFoundError } = require("agent-vault");\ntest("reads", async () => {${checks}\n});\n`,
  );
  write(
    "jest-esm/read.test.mjs",
    `import { Vault, SecretNotFoundError, VaultNotFoundError } from "agent-vault";\ntest("reads", async () => {${checks}\n});\n`,
  );
  write(
    "vitest/read.test.mjs",
    `import { expect, test } from "vitest";\nimport { Vault, SecretNotFoundError, VaultNotFoundError } from "agent-vault";\ntest("reads", async () => {${checks}\n});\n`,
  );
}

async function nodeCases() {
  for (const { major, node } of nodes()) {
    for (const file of ["read.mjs", "read.cjs"]) await reads(`Node ${major}, ${file === "read.mjs" ? "import" : "require"}`, node, [file]);
  }
}

async function typeCases() {
  const tsc = join(root, "node_modules/.bin/tsc");
  const common = ["--noEmit", "--strict", "--target", "es2022", "--types", "node", "read.ts"];
  const kinds = [
    ["node16, CommonJS", tsc, ["--module", "node16"], undefined],
    ["node16, ES modules", tsc, ["--module", "node16"], "module"],
    ["nodenext", tsc, ["--module", "nodenext"], undefined],
    ["bundler", tsc, ["--module", "esnext", "--moduleResolution", "bundler"], undefined],
    ["node10", tool("tsc"), ["--module", "commonjs", "--moduleResolution", "node10"], undefined],
  ];
  for (const [name, command, words, type] of kinds) {
    write("package.json", JSON.stringify({ name: "project", private: true, ...(type && { type }) }));
    await runs(`TypeScript, ${name}`, command, [...words, ...common]);
  }
  write("package.json", JSON.stringify({ name: "project", private: true }));
}

/** One file, somewhere without any package, as a function that was uploaded. */
async function bundleCases() {
  const folder = join(machine, "function");
  const bundled = async (name, options) => {
    const outfile = join(folder, name);
    const external = ["@tursodatabase/*", "@napi-rs/*"];
    const common = {
      absWorkingDir: project,
      entryPoints: ["read.mjs"],
      bundle: true,
      platform: "node",
      outfile,
      external,
      logLevel: "error",
    };
    await build({ ...common, ...options });
    return outfile;
  };
  const file = await bundled("index.cjs", { format: "cjs" });
  await reads("esbuild, one file with nothing beside it", process.execPath, [file], folder);
  // As docs/node.md has it.
  const banner = { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' };
  const module = await bundled("index.mjs", { format: "esm", banner });
  await reads("esbuild, one ES module with nothing beside it", process.execPath, [module], folder);
  const temporary = {
    HOME: "/nowhere/at/all",
    AGENT_VAULT_HOME: join(machine, "temporary"),
    AGENT_VAULT_KEY: readFileSync(join(home, ".agent-vault/agents/bot.key"), "utf8"),
  };
  await reads("esbuild, as a function with a temporary folder alone", process.execPath, [file], folder, temporary);
}

async function runnerCases() {
  const vm = { NODE_OPTIONS: "--experimental-vm-modules --no-warnings" };
  for (const { major, node } of nodes()) {
    const jest = (folder, more = {}) =>
      runs(`Jest, ${folder}, Node ${major}`, node, [tool("jest"), "--rootDir", folder, "--testMatch", "**/*.test.*js"], more);
    if (tool("jest")) {
      await jest("jest-cjs");
      await jest("jest-esm", vm);
      await reads(`ts-node, Node ${major}`, node, [
        tool("ts-node"),
        "--transpile-only",
        "-O",
        '{"module":"commonjs","moduleResolution":"node10"}',
        "read.ts",
      ]);
      await reads(`tsx, Node ${major}`, node, [tool("tsx"), "read.ts"]);
    }
    const vitest = tool("vitest") ?? join(root, "node_modules/vitest/vitest.mjs");
    if (!tool("vitest")) symlinkSync(join(root, "node_modules/vitest"), join(project, "node_modules/vitest"));
    for (const pool of SLOW ? ["forks", "threads", "vmForks", "vmThreads"] : ["forks"])
      await runs(`vitest, ${pool}, Node ${major}`, node, [vitest, "run", "--root", "vitest", "--pool", pool]);
  }
  if (!SLOW) skip("Jest, ts-node, tsx, node10 and the other pools of vitest", "SLOW=1 installs them");
}

async function pythonCases() {
  if (!SLOW) return skip("Python", "tools/python.mjs tests the one that is here, and SLOW=1 all that are here");
  const dist = join(root, "sdk-python");
  for (const version of ["3.10", "3.11", "3.12", "3.13"]) {
    const interpreter = `python${version}`;
    if (spawnSync(interpreter, ["--version"]).status !== 0) {
      skip(`Python ${version}`, "it is not on the PATH");
      continue;
    }
    const environment = join(machine, `venv-${version}`);
    const python = join(environment, "bin/python");
    const installed = [
      spawnSync(interpreter, ["-m", "venv", environment], { encoding: "utf8" }),
      spawnSync(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", dist], { encoding: "utf8" }),
    ].find(({ status }) => status !== 0);
    if (installed) {
      skip(`Python ${version}`, `it cannot be installed: ${String(installed.stderr).trim().split("\n").at(-1)}`);
      continue;
    }
    const program = `from agent_vault import Vault; print(Vault(${JSON.stringify(repository)}).get("stripe/api-key"))`;
    const before = usesOnRecord();
    await reads(`Python ${version}, with git alone on the PATH`, python, ["-c", program], project, { PATH: gitAlone() });
    await reads(`Python ${version}, with nothing on the PATH`, python, ["-c", program], project, { PATH: "" });
    report(`Python ${version}, both reads on record`, usesOnRecord() === before + 2);
  }
}

/** A folder with git and nothing else. */
function gitAlone() {
  const folder = join(machine, "git-alone");
  const git = process.env.PATH.split(delimiter)
    .map((place) => join(place, "git"))
    .find(existsSync);
  if (!existsSync(folder)) {
    mkdirSync(folder);
    symlinkSync(git, join(folder, "git"));
  }
  return folder;
}

/** How many uses are on record, by agent-vault audit. */
function usesOnRecord() {
  return JSON.parse(must(process.execPath, [CLI, "-C", repository, "audit", "--json", "--action", "get", "--last", "100000"])).length;
}

function nodes() {
  const own = { major: process.versions.node.split(".")[0], node: process.execPath };
  const folder = join(root, "node_modules/.cache/nodes/node_modules");
  if (SLOW && !existsSync(join(folder, "26/bin/node"))) spawnSync(process.execPath, [join(root, "tools/nodes.mjs")], { stdio: "inherit" });
  const others = ["20", "22", "24", "26"]
    .map((major) => ({ major, node: join(folder, major, "bin/node") }))
    .filter(({ node }) => existsSync(node));
  return SLOW && others.length > 0 ? others : [own];
}

/** A tool of the matrix, which the project finds as if it had installed it; `undefined` where tools are not installed. */
function tool(name) {
  if (!SLOW) return undefined;
  const wanted = createHash("sha256").update(TOOLS.join()).digest("hex");
  const stamp = join(cache, "stamp");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, "package.json"), "{}");
    must("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...TOOLS], { cwd: cache });
    writeFileSync(stamp, wanted);
  }
  for (const entry of readdirSync(join(cache, "node_modules"))) {
    const target = join(project, "node_modules", entry);
    if (!existsSync(target) && !entry.startsWith("@t")) symlinkSync(join(cache, "node_modules", entry), target);
  }
  return join(cache, "node_modules/.bin", name);
}

async function reads(name, command, args, cwd = project, more = {}) {
  await attempt(
    name,
    command,
    args,
    { cwd, env: { ...env, ...more } },
    ({ stdout, stderr }) => stdout === "sk_1\n" && !/Error/.test(stderr),
  );
}

async function runs(name, command, args, more = {}) {
  if (command === undefined) return skip(name, "SLOW=1 installs what it needs");
  await attempt(name, command, args, { cwd: project, env: { ...env, ...more } }, () => true);
}

async function attempt(name, command, args, options, isRight) {
  const begun = performance.now();
  const outcome = await outcomeOf(command, args, { env, ...options });
  const passed = outcome.code === 0 && isRight(outcome);
  report(`${name} (${Math.round(performance.now() - begun)} ms)`, passed);
  if (!passed) process.stdout.write(`${outcome.stdout}${outcome.stderr}\n`.replace(/^/gm, "       "));
}

function report(line, passed) {
  if (!passed) failed += 1;
  process.stdout.write(`${passed ? "ok    " : "FAILED"} ${line}\n`);
}

function outcomeOf(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.on("error", (error) => resolve({ code: -1, stdout, stderr: String(error) }));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

function skip(name, why) {
  process.stdout.write(`-      ${name}: ${why}\n`);
}

function write(name, text) {
  const file = join(project, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
}

function must(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: "utf8", ...options });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
}
