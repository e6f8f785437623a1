// Shows that the README's two commands do on a machine with Node, npm and git alone: it runs them with all other programs hidden.
//   node tools/bare-machine.mjs           npm start, the tests that use other programs, and the Python SDK's step
//   node tools/bare-machine.mjs FILE ...  these test files
// "Alone" takes in what node, npm and git themselves need: the shell `sh` and the utilities below, which POSIX has, and which come
// with every system that these three run on (with git, on Windows). What GNU or BSD add to them is not taken for granted, nor is `ps`,
// which small images lack. Whatever else a test runs has to be in the table of test/support/programs.ts.
import { spawnSync } from "node:child_process";
import { accessSync, chmodSync, constants, mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import process from "node:process";
import { root } from "./setup.mjs";
import { testFilesThatReach } from "./test-files.mjs";

const README_NAMES = ["node", "npm", "npx", "git"];
const UTILITIES =
  "[ awk basename cat chmod chown cksum cmp cp cut date dd df diff dirname echo env expr false find fold getconf grep head id kill ln ls mkdir mkfifo mv nohup od paste printf pwd rm rmdir sed sh sleep sort split stty tail tee test touch tr true tty uname uniq wc xargs";

const place = mkdtempSync(join(tmpdir(), "agent-vault-bare-"));
// Some tests run programs as another user.
chmodSync(place, 0o755);
try {
  process.exitCode = main(process.argv.slice(2));
} finally {
  rmSync(place, { recursive: true, force: true });
}

function main(files) {
  const env = bareEnvironment();
  if (files.length > 0) return runTests(files, env);
  const python = join(root, "tools/python.mjs");
  return (
    run("npm start", "npm", ["start", "--silent"], env, "ignore") ||
    runTests(filesWithPrograms(), env) ||
    run("Python", "node", [python], env)
  );
}

/** The environment with a PATH of links to what is named above, without what would have a test fail where a program is missing. */
function bareEnvironment() {
  const bin = join(place, "bin");
  mkdirSync(bin);
  for (const name of [...README_NAMES, ...UTILITIES.split(" ")]) {
    const program = name === "node" ? process.execPath : onPath(name);
    if (program !== undefined) symlinkSync(program, join(bin, name));
    else if (README_NAMES.includes(name)) throw new Error(`${name} is not on the PATH.`);
  }
  const { AGENT_VAULT_REQUIRE_TOOLS: _required, AGENT_VAULT_TEST_CHROMIUM: _browser, ...env } = process.env;
  return { ...env, PATH: bin };
}

function onPath(name) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !folder.startsWith(join(root, "node_modules")))
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The test files that reach the table of programs by their imports, or that have a program's name for a word of their own. */
function filesWithPrograms() {
  const table = readFileSync(join(root, "test/support/programs.ts"), "utf8");
  const names = [...table.matchAll(/^ {2}"?([\w-]+)"?: \{/gm)].map(([, name]) => name);
  const named = new RegExp(`["'\`](?:${names.join("|")})["'\`]`);
  return testFilesThatReach("programs.ts", (text) => named.test(text));
}

/** Runs test files as `npm test` does, and lists what they skipped. */
function runTests(files, env) {
  const report = join(place, "report.json");
  const words = ["test", "--silent", "--", ...files, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const failed = run(`npm test, ${files.length} files`, "npm", words, env);
  const { testResults, numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8"));
  let skipped = 0;
  for (const { name, assertionResults } of testResults) {
    const titles = assertionResults.filter(({ status }) => !["passed", "failed"].includes(status)).map(({ fullName }) => `  ${fullName}\n`);
    if (titles.length > 0) process.stdout.write(`Skipped in ${relative(root, name)}:\n${titles.join("")}`);
    skipped += titles.length;
  }
  process.stdout.write(`${numPassedTests} tests passed, ${skipped} were skipped, ${numFailedTests} failed.\n`);
  return failed;
}

/** @returns the exit code */
function run(title, program, words, env, stdout = "inherit") {
  process.stdout.write(`\n== With Node, npm and git alone: ${title}\n`);
  const { status, error } = spawnSync(join(env.PATH, program), words, { cwd: root, env, stdio: ["ignore", stdout, "inherit"] });
  if (status !== 0) process.stderr.write(`${title} failed${error ? `: ${error.message}` : ""}.\n`);
  return status ?? 1;
}
