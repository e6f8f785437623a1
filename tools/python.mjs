// Builds, checks and tests the Python SDK in a virtual environment in node_modules/.cache. Without Python 3.10 or one of the packages it
// prints why and succeeds; with AGENT_VAULT_REQUIRE_TOOLS=1 it fails. Arguments are passed to pytest, which then runs alone.
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

/** The Python of the virtual environment, which is created if needed; or why there is none. */
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
  if (made.status !== 0) return { missing: `a virtual environment could not be created (${lastLine(made)})` };
  const installed = pip(python, "install", "--requirement", requirements);
  if (installed.status !== 0) return { missing: `its packages could not be installed (${lastLine(installed)})` };
  writeFileSync(stamp, wanted);
  return { python };
}

/** Builds and installs the wheel, so that the tests run what is published. */
export function installWheel(python) {
  const dist = join(folder, "dist");
  rmSync(dist, { recursive: true, force: true });
  must(pip(python, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", dist, folder));
  must(pip(python, "install", "--no-deps", "--force-reinstall", ...readdirSync(dist).map((wheel) => join(dist, wheel))));
}

function main(args) {
  const { python, missing } = pythonEnvironment();
  if (python === undefined) {
    const required = process.env["AGENT_VAULT_REQUIRE_TOOLS"] === "1";
    process.stdout.write(
      `The Python SDK is not tested: ${missing}.${required ? "" : " Set AGENT_VAULT_REQUIRE_TOOLS=1 to make this a failure."}\n`,
    );
    return required ? 1 : 0;
  }
  installWheel(python);
  const steps =
    args.length > 0
      ? [["pytest", ...args]]
      : [["ruff", "format", "--check", "--quiet"], ["ruff", "check", "--quiet"], ["mypy", "--no-error-summary"], ["pytest"]];
  const failed = steps.find(
    ([module, ...rest]) => spawnSync(python, ["-m", module, ...rest], { cwd: folder, stdio: "inherit" }).status !== 0,
  );
  return failed ? 1 : 0;
}

function isRecent(command) {
  return spawnSync(command, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]).status === 0;
}

function pip(python, ...args) {
  return spawnSync(python, ["-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input", ...args], { encoding: "utf8" });
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
