// Installs the other versions of Node that agent-vault supports, for the tests that go through all of them. They lie beside what npm caches
// here and are no dependencies, as each takes 100 MB.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root, setUp } from "./setup.mjs";

// First, since it may reinstall this checkout and remove what lies there.
setUp();
const folder = join(root, "node_modules/.cache/nodes");
const missing = ["20", "22", "24", "26"].filter((major) => !existsSync(join(folder, "node_modules", major, "bin/node")));
if (missing.length > 0) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}");
  const packages = missing.map((major) => `${major}@npm:node-${process.platform}-${process.arch}@${major}`);
  const { status } = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packages], {
    cwd: folder,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  process.exitCode = status ?? 1;
}
