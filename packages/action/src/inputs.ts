import { join } from "node:path";
import process from "node:process";
import * as core from "@actions/core";
import { chooseRecorder, processContext, printable, sinkRecorder, type Context } from "@agent-vault/vault";
import { readEnvFile, readSecretLines, readTemplates, usage, type FilledTemplate, type SecretLine } from "./what-to-export.js";
import type { EnvEntry } from "@agent-vault/runner";

/** What a workflow asks for. */
export type Inputs = ExportInputs | VerifyInputs;

/** Inputs of mode export. */
export interface ExportInputs extends CommonInputs {
  readonly mode: "export";
  readonly secrets: readonly SecretLine[];
  /** Variables of an env file, with references to secrets in their values. */
  readonly entries: readonly EnvEntry[];
  readonly templates: readonly FilledTemplate[];
  /** The text of a key file. */
  readonly key: string;
  /** Whether the values become variables of the environment, or else outputs. */
  readonly toEnvironment: boolean;
}

/** Inputs of mode verify. */
export interface VerifyInputs extends CommonInputs {
  readonly mode: "verify";
  /** For the comment on a pull request; absent for none. */
  readonly token: string | undefined;
}

interface CommonInputs {
  readonly context: Context;
  /** Absolute path of a folder in the repository. */
  readonly folder: string;
  /** Warnings so far, to be shown once all masks are set. */
  readonly warnings: readonly string[];
}

/** Reads and checks the inputs. @throws VaultError `USAGE`, `INVALID_NAME`, `INVALID_VARIABLE` */
export function readInputs(env: NodeJS.ProcessEnv): Inputs {
  const workspace = env["GITHUB_WORKSPACE"] || process.cwd();
  const owner = core.getInput("owner");
  const warnings: string[] = [];
  const passed = environment(env, workspace, owner);
  const context = processContext({
    cwd: workspace,
    env: passed,
    recorder: chooseRecorder({ cwd: workspace, env: passed }, "get", () => sinkRecorder("get", { kind: "spool" })),
    warn: (message) => warnings.push(printable(message)),
  });
  const common = { context, folder: join(workspace, core.getInput("path") || "."), warnings };
  const mode = core.getInput("mode") || "export";
  const token = core.getInput("token") || undefined;
  const key = core.getInput("key");
  const secrets = core.getInput("secrets");
  switch (mode) {
    case "verify":
      if (key !== "" || secrets !== "") warnings.push("Mode verify takes no key and no secrets; leave them out.");
      return { mode, ...common, token };
    case "export":
      if (key === "") throw usage("There is no key to read the secrets with.", "Add one: key: ${{ secrets.AGENT_VAULT_KEY }}.");
      return { mode, ...common, key, ...readExports(workspace, secrets), toEnvironment: readBoolean("export-env", true) };
    default:
      throw usage(`There is no mode ${JSON.stringify(mode)}.`, "Use export or verify.");
  }
}

/**
 * The environment for programs that are started: without the key and the token. A hosted runner keeps nothing after the job, so without
 * another word there is no audit log.
 */
function environment(env: NodeJS.ProcessEnv, workspace: string, owner: string): Context["env"] {
  const passed = Object.entries(env).filter(([name]) => !/^INPUT_/i.test(name) && name !== "AGENT_VAULT_KEY");
  const count = Number(env["GIT_CONFIG_COUNT"]) || 0;
  return {
    ...Object.fromEntries(passed),
    AGENT_VAULT_AUDIT: env["AGENT_VAULT_AUDIT"] || "off",
    ...(owner !== "" && { AGENT_VAULT_OWNER: owner }),
    // The checkout may belong to another user than the job's, as it does in a container.
    GIT_CONFIG_COUNT: String(count + 1),
    [`GIT_CONFIG_KEY_${count}`]: "safe.directory",
    [`GIT_CONFIG_VALUE_${count}`]: workspace,
  };
}

/** What is asked for in all inputs; something has to be. */
function readExports(workspace: string, lines: string): Pick<ExportInputs, "secrets" | "entries" | "templates"> {
  const envFile = core.getInput("env-file");
  const secrets = readSecretLines(lines);
  const entries = envFile === "" ? [] : readEnvFile(workspace, envFile);
  const templates = readTemplates(workspace, core.getInput("template"));
  if (secrets.length + entries.length + templates.length > 0) return { secrets, entries, templates };
  throw usage("There are no secrets to read.", "Name one a line: secrets: stripe/api-key | STRIPE_KEY.");
}

function readBoolean(name: string, otherwise: boolean): boolean {
  const value = core.getInput(name).toLowerCase();
  if (value === "") return otherwise;
  if (value === "true" || value === "false") return value === "true";
  throw usage(`${name} has to be true or false.`, `Write ${name}: true, or leave it out.`);
}
