// `npm run test:long`: the tests that take longer than CI should, each at full length, and the packages where programs load them. Words after
// `--` are files to run instead.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { root, setUp } from "./setup.mjs";
import { testFilesThatReach } from "./test-files.mjs";

setUp();
const files = process.argv.length > 2 ? process.argv.slice(2) : testFilesThatReach("slow.ts");
const isOnly = process.argv.length > 2;
const steps = [
  [join(root, "node_modules/vitest/vitest.mjs"), "run", "--testTimeout=3600000", ...files],
  ...(isOnly ? [] : [[join(root, "tools/pack.mjs")], [join(root, "tools/sdk-matrix.mjs")]]),
];
for (const words of steps) {
  const { status } = spawnSync(process.execPath, words, { cwd: root, env: { ...process.env, SLOW: "1" }, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
