// Brings a checkout to where its programs run: dependencies as the lock file names them, and a build of the present sources.
// Needs Node 20.19 or later, npm and git. Does nothing, in a few milliseconds, where all is up to date.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "node_modules/.cache/agent-vault-build");

export function setUp() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`agent-vault needs Node 20.19 or later, and this is ${process.version}. Install a newer one.`);
  const installed = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installed) || modified(installed) < modified(join(root, "package-lock.json"))) {
    step("Installing dependencies", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  }
  if (
    !existsSync(stamp) ||
    !existsSync(join(root, "packages/cli/oclif.manifest.json")) ||
    sources().some((file) => modified(file) > modified(stamp))
  ) {
    step("Building", "npm", ["run", "--silent", "build"]);
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, "");
  }
}

/** Runs a command in the checkout; its output is shown only where it fails. */
function step(title, command, args) {
  process.stderr.write(`${title} ...\n`);
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: "utf8", shell: process.platform === "win32" });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}\n`);
  fail(`${title} failed.`);
}

function sources() {
  const folders = [
    "packages/vault/src",
    "packages/ledger/src",
    "packages/runner/src",
    "packages/mcp/src",
    "packages/cli/src",
    "hooks/src",
    "sdk-node/src",
  ];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((file) => join(root, folder, String(file))),
  );
  return [
    ...files,
    join(root, "tools/bundle.mjs"),
    join(root, "tools/bundle-sdk.mjs"),
    join(root, "tsconfig.base.json"),
    join(root, "package-lock.json"),
    ...folders.map((folder) => join(root, folder, "../package.json")),
  ];
}

function modified(file) {
  return statSync(file).mtimeMs;
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
