import process from "node:process";
import { engineVersion } from "@agent-vault/ledger";
import { auditSink, detectHarness, VaultError, type Context } from "@agent-vault/vault";
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

const PLACES = {
  spool: "a spool below ~/.agent-vault/ledger, which agent-vault audit takes in",
  otlp: "the collector of OTEL_EXPORTER_OTLP_ENDPOINT",
  stderr: "standard error",
  file: "that file",
};

/** The database engine of the audit log, and where uses go on record. */
export async function examineEngine(context: Context): Promise<Diagnosis> {
  try {
    const sink = auditSink(context);
    if (sink.kind === "off") {
      return warning(
        "audit",
        "AGENT_VAULT_AUDIT is off, so nothing is recorded in the audit log.",
        "Unset it, or choose ledger, spool, otlp, stderr or file:PATH.",
      );
    }
    if (sink.kind !== "ledger") return ok("audit", `AGENT_VAULT_AUDIT is ${sink.kind}: uses go on record in ${PLACES[sink.kind]}.`);
    return ok("engine", `The database engine ${await engineVersion()} can be loaded, and uses go on record in the ledger.`);
  } catch (failure) {
    if (!(failure instanceof VaultError) || failure.code !== "LEDGER_UNAVAILABLE") return diagnose("engine", failure);
    return warning(
      "engine",
      `${failure.message} Uses go on record in a spool.`,
      "Have agent-vault audit collect take the spool in on a machine with the engine.",
    );
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
