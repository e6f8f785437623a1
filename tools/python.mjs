// Builds, checks and tests the Python SDK, in a virtual environment in node_modules/.cache. Where Python 3.10 or one of its packages
// cannot be had it says so and that is all; with AGENT_VAULT_REQUIRE_TOOLS=1 that is a failure. Words are for pytest alone.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { root } from "./setup.mjs";

const folder = join(root, "sdk-python");
const environment = join(root, "node_modules/.cache/agent-vault-python");
const requirements = join(folder, "requirements-dev.txt");

/** The environment's Python with what the SDK takes, made where it is not there yet; or why it cannot be had. */
export function pythonEnvironment() {
  const interpreter = ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.10"].find(isRecent);
  if (interpreter === undefined) return { missing: "there is no Python 3.10 or later" };
  const python = join(environment, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const stamp = join(environment, "stamp");
  const wanted = createHash("sha256")
    .update(readFileSync(requirements))
    .update(spawnSync(interpreter, ["-VV"]).stdout)
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return { python };
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(join(root, "node_modules/.cache"), { recursive: true });
  const made = spawnSync(interpreter, ["-m", "venv", environment], { encoding: "utf8" });
  if (made.status !== 0) return { missing: `no virtual environment can be made (${lastLine(made)})` };
  const installed = pip(python, "install", "--requirement", requirements);
  if (installed.status !== 0) return { missing: `its packages cannot be had (${lastLine(installed)})` };
  writeFileSync(stamp, wanted);
  return { python };
}

/** Builds the wheel and installs it, so that what is tested is what is published. */
export function installWheel(python) {
  const dist = join(folder, "dist");
  rmSync(dist, { recursive: true, force: true });
  must(pip(python, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", dist, folder));
  must(pip(python, "install", "--no-deps", "--force-reinstall", ...readdirSync(dist).map((wheel) => join(dist, wheel))));
}

function main(words) {
  const { python, missing } = pythonEnvironment();
  if (python === undefined) {
    const required = process.env["AGENT_VAULT_REQUIRE_TOOLS"] === "1";
    process.stdout.write(
      `The Python SDK is not tested: ${missing}.${required ? "" : " AGENT_VAULT_REQUIRE_TOOLS=1 makes that a failure."}\n`,
    );
    return required ? 1 : 0;
  }
  installWheel(python);
  const steps =
    words.length > 0
      ? [["pytest", ...words]]
      : [["ruff", "format", "--check", "--quiet"], ["ruff", "check", "--quiet"], ["mypy", "--no-error-summary"], ["pytest"]];
  const failed = steps.find(
    ([module, ...rest]) => spawnSync(python, ["-m", module, ...rest], { cwd: folder, stdio: "inherit" }).status !== 0,
  );
  return failed ? 1 : 0;
}

function isRecent(command) {
  return spawnSync(command, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]).status === 0;
}

function pip(python, ...words) {
  return spawnSync(python, ["-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input", ...words], { encoding: "utf8" });
}

function must(outcome) {
  if (outcome.status !== 0) throw new Error(`pip failed: ${outcome.stdout}${outcome.stderr}`);
}

function lastLine({ stdout, stderr, error }) {
  return (
    error?.message ??
    `${stdout}${stderr}`
      .trim()
      .split("\n")
      .findLast((line) => line.startsWith("ERROR")) ??
    "it failed"
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
