// `npm run pack`: writes all packages as they would be published to packed/, the npm tarballs and the wheel, once each is found to hold what it
// should and nothing else. It publishes nothing.
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
rmSync(out, { recursive: true, force: true });
mkdirSync(out);
const problems = [];
for (const { folder, must, may } of PACKAGES) {
  removeLeftovers(folder);
  const [packed] = JSON.parse(npmPack(folder));
  check(
    basename(packed.filename),
    packed.files.map(({ path }) => path),
    [...ALWAYS, ...must],
    may,
  );
  for (const { path } of packed.files) checkContent(folder, path);
}
packWheel();
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exit(1);
for (const file of readdirSync(out).toSorted()) process.stdout.write(`${relative(process.cwd(), join(out, file))}\n`);

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

function npmPack(folder) {
  const license = join(root, folder, "LICENSE");
  copyFileSync(join(root, "LICENSE"), license);
  try {
    const words = ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", out, "--workspace", folder];
    return run("npm", words, { shell: process.platform === "win32" });
  } finally {
    rmSync(license);
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
