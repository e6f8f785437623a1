// `npm run pack`: writes all packages as they would be published to packed/, the npm tarballs and the wheel, once each is found to hold what it
// should and nothing else. It publishes nothing. With --check nothing is written, and the wheel, which the Python tests build, is left out.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import process from "node:process";
import { installWheel, pythonEnvironment } from "./python.mjs";
import { root, setUp } from "./setup.mjs";

const out = join(root, "packed");
/** Compiled file by file: each belongs to a source, so that nothing of an earlier build is published. */
const compiled = (folder) => (file) => {
  const [, name, kind] = /^dist\/(.+?)(\.d\.ts|\.js)$/.exec(file) ?? [];
  return kind !== undefined && existsSync(join(root, folder, "src", `${name}.ts`));
};
const among =
  (...patterns) =>
  (file) =>
    patterns.some((pattern) => pattern.test(file));

/** What each npm package holds besides its package.json, README.md and LICENSE: files that it must hold, and those that it may. */
const PACKAGES = [
  { folder: "packages/vault", must: ["dist/index.js", "dist/read-only.d.ts", "dist/age/batch-worker.js"], may: compiled("packages/vault") },
  { folder: "packages/ledger", must: ["dist/index.js", "dist/database/inspection-process.js"], may: compiled("packages/ledger") },
  { folder: "packages/runner", must: ["dist/index.js", "dist/use/index.js"], may: compiled("packages/runner") },
  { folder: "packages/mcp", must: ["dist/index.js", "dist/install/index.js"], may: compiled("packages/mcp") },
  { folder: "hooks", must: ["dist/index.js"], may: (file) => compiled("hooks")(file) || file === "pre-commit" },
  {
    folder: "packages/cli",
    must: ["bin/agent-vault.js", "bundle/main.js", "bundle/batch-worker.js", "bundle/inspection-process.js", "oclif.manifest.json"],
    may: among(/^bin\/[\w.-]+$/, /^bundle\/(?:commands\/)?[\w/-]+\.js$/),
  },
  {
    folder: "sdk-node",
    must: ["index.js", "index.cjs", "index.d.ts", "index.d.cts", "cjs/index.js", "cjs/package.json", "cjs/inspection-process.js"].map(
      (file) => `dist/${file}`,
    ),
    may: among(/^dist\/cjs\/[\w-]+\.(?:js|d\.ts)$/),
  },
];
const ALWAYS = ["package.json", "README.md", "LICENSE"];

setUp();
const isCheck = process.argv.includes("--check");
const problems = [];
if (!isCheck) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
}
for (const { folder } of PACKAGES) removeLeftovers(folder);
for (const { name, filename, files } of npmPack()) {
  const { folder, must, may } = PACKAGES.find((one) => manifestOf(one.folder).name === name);
  check(
    basename(filename),
    files.map(({ path }) => path),
    [...ALWAYS, ...must],
    may,
  );
  for (const { path } of files) checkContent(folder, path);
}
if (!isCheck) packWheel();
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exit(1);
if (!isCheck) for (const file of readdirSync(out).toSorted()) process.stdout.write(`${relative(process.cwd(), join(out, file))}\n`);

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
}

/** A build leaves what an earlier one made of sources that are gone; a checkout just made has none of it. */
function removeLeftovers(folder) {
  const dist = join(root, folder, "dist");
  if (folder === "sdk-node" || !existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const name = relative(dist, file).replace(/(?:\.d\.ts|\.js)(?:\.map)?$/, "");
    if (entry.isFile() && !existsSync(join(root, folder, "src", `${name}.ts`))) rmSync(file);
  }
}

/** Packs all packages, or only says what each would hold. The licence lies beside each of them for as long as that takes. */
function npmPack() {
  const licences = PACKAGES.map(({ folder }) => join(root, folder, "LICENSE")).filter((file) => !existsSync(file));
  for (const file of licences) copyFileSync(join(root, "LICENSE"), file);
  try {
    const where = isCheck ? ["--dry-run"] : ["--pack-destination", out];
    const workspaces = PACKAGES.flatMap(({ folder }) => ["--workspace", folder]);
    const words = ["pack", "--json", "--ignore-scripts", "--loglevel=error", ...where, ...workspaces];
    return JSON.parse(run("npm", words, { shell: process.platform === "win32" }));
  } finally {
    for (const file of licences) rmSync(file);
  }
}

/** The wheel holds each source of the package, and what wheels have. */
function packWheel() {
  const { python, missing } = pythonEnvironment();
  if (python === undefined) {
    process.stderr.write(`The wheel is not made: ${missing}.\n`);
    if (process.env["AGENT_VAULT_REQUIRE_TOOLS"] === "1") problems.push("There is no wheel.");
    return;
  }
  installWheel(python);
  const [wheel] = readdirSync(join(root, "sdk-python/dist"));
  copyFileSync(join(root, "sdk-python/dist", wheel), join(out, wheel));
  const listed = run(python, ["-c", "import sys, zipfile; print('\\n'.join(zipfile.ZipFile(sys.argv[1]).namelist()))", join(out, wheel)]);
  const sources = readdirSync(join(root, "sdk-python/src/agent_vault"), { recursive: true }).map((file) => `agent_vault/${file}`);
  const wanted = sources.filter((file) => /\.py$|\/py\.typed$/.test(file)).map((file) => file.replaceAll("\\", "/"));
  check(wheel, listed.trim().split(/\r?\n/), wanted, among(/^agent_vault-[\d.]+\.dist-info\/(?:METADATA|WHEEL|RECORD)$/));
}

function check(name, files, must, may) {
  for (const file of must) if (!files.includes(file)) problems.push(`${name} lacks ${file}.`);
  for (const file of files) if (!must.includes(file) && !may(file)) problems.push(`${name} holds ${file}, which does not belong there.`);
}

/** A path of this machine says where it was built, and works nowhere else. */
function checkContent(folder, path) {
  const file = join(root, folder, path);
  if (existsSync(file) && readFileSync(file, "latin1").includes(root))
    problems.push(`${folder}/${path} names the folder that it was built in.`);
}

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args[0]} failed: ${error?.message ?? stderr}`);
}
