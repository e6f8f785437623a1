import process from "node:process";
import { engineVersion } from "@agent-vault/ledger";
import { detectHarness, isAuditOff, type Context } from "@agent-vault/vault";
import { runGitForOutput } from "@agent-vault/vault/git";
import { diagnose, error, ok, warning, type Diagnosis } from "./diagnosis.js";

/** agent-vault is tested with these versions and later. */
const MIN_NODE = [20, 19] as const;
const MIN_GIT = [2, 34] as const;

/** The version of agent-vault, and the coding agent that seems to have started it. */
export function examineProgram(version: string): Diagnosis {
  const harness = detectHarness(process.env);
  return ok("agent-vault", harness ? `${version}, probably started by ${harness}.` : `${version}.`);
}

/** The version of Node. */
export function examineNode(): Diagnosis {
  const { version, platform, arch } = process;
  const message = `${version} on ${platform} ${arch}.`;
  return isOlder(version.slice(1), MIN_NODE) ? error("node", message, `Install Node ${MIN_NODE.join(".")} or later.`) : ok("node", message);
}

/** The version of git. */
export async function examineGit(context: Context): Promise<Diagnosis> {
  const version = /\d+\.\d+(?:\.\d+)?/.exec(await gitVersion(context))?.[0];
  if (version === undefined) return error("git", "Git could not be started.", "Install git, or add it to the PATH.");
  if (isOlder(version, MIN_GIT)) return warning("git", `${version}.`, `agent-vault is tested with git ${MIN_GIT.join(".")} and later.`);
  return ok("git", `${version}.`);
}

/** The database engine of the audit log. */
export async function examineEngine(context: Context): Promise<Diagnosis> {
  if (isAuditOff(context.env)) {
    return warning(
      "audit",
      "AGENT_VAULT_AUDIT is off, so nothing is recorded in the audit log.",
      "Unset it if this machine has a writable disk.",
    );
  }
  try {
    return ok("engine", `The database engine ${await engineVersion()} can be loaded.`);
  } catch (failure) {
    return diagnose("engine", failure);
  }
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split(".").map(Number);
  return itsMajor < major || (itsMajor === major && itsMinor < minor);
}

async function gitVersion(context: Context): Promise<string> {
  try {
    return (await runGitForOutput(context, context.cwd, ["--version"])).stdout.toString();
  } catch {
    return "";
  }
}
