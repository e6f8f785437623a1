import process from "node:process";
import * as core from "@actions/core";
import { askApproval, authorizeUnrecordedRead, type Approver } from "@agent-vault/runner";
import {
  detectHarness,
  findVault,
  formatSecretPath,
  printable,
  SecretReader,
  VaultError,
  type Context,
  decodeUtf8,
} from "@agent-vault/vault";
import type { ExportInputs } from "./inputs.js";
import { masksOf } from "./masks.js";

/** What Linux lets one variable hold, with its name, in bytes. */
const MAX_VARIABLE_BYTES = 131_072 - 2;

/**
 * Hands secrets to the steps that follow. The runner learns what to hide before anything else is written; nothing is pulled, and
 * nothing is recorded, since a runner has no place that outlasts the job.
 * @throws VaultError what `SecretReader` and the vault's policy throw, `INVALID_VALUE`, `ENVIRONMENT_TOO_LARGE`, `FILE_NOT_FOUND`
 */
export async function exportSecrets({ context, folder, secrets, key, toEnvironment, warnings }: ExportInputs): Promise<void> {
  requireFile(toEnvironment ? "GITHUB_ENV" : "GITHUB_OUTPUT");
  try {
    const paths = secrets.map(({ secret }) => formatSecretPath(secret));
    const vault = await SecretReader.open(context, findVault(context, folder), { key: { keyText: key }, pull: false }, paths);
    const judge = authorizeUnrecordedRead("read", { door: "action", approver: approverOf(context) });
    const read = await vault.read(paths, { judge });
    const values = read.map(({ secret, value }) => textOf(secret, value));
    for (const mask of new Set(values.flatMap(masksOf))) core.setSecret(mask);
    for (const [index, { variable }] of secrets.entries()) if (toEnvironment) requireRoom(variable, values[index]!);
    for (const [index, { variable }] of secrets.entries()) {
      if (toEnvironment) core.exportVariable(variable, values[index]!);
      else core.setOutput(variable, values[index]!);
    }
  } finally {
    for (const warning of warnings) core.warning(warning, { title: "agent-vault" });
  }
  const names = secrets.map(({ variable, secret }) => `${variable} (${formatSecretPath(secret)})`);
  core.info(printable(`Set as ${toEnvironment ? "variables of the environment" : "outputs"}: ${names.join(", ")}.`));
}

/** Without these files the values would have to be printed. */
function requireFile(name: string): void {
  if (process.env[name]) return;
  throw new VaultError("FILE_NOT_FOUND", `The runner does not set ${name}, which values are handed on through.`, {
    remedy: "Use a runner with environment files (2.277 or later).",
  });
}

function textOf(secret: string, value: Uint8Array): string {
  const text = decodeUtf8(value);
  if (text !== undefined && !text.includes("\0")) return text;
  throw new VaultError("INVALID_VALUE", `${secret} is not text that a variable can hold.`, {
    remedy: "Write it to a file with the command line: agent-vault get.",
  });
}

function requireRoom(variable: string, value: string): void {
  if (Buffer.byteLength(value) + variable.length <= MAX_VARIABLE_BYTES) return;
  throw new VaultError("ENVIRONMENT_TOO_LARGE", `The value for ${variable} is larger than a variable can be.`, {
    remedy: "Take it as an output (export-env: false), or write it to a file with the command line: agent-vault get.",
  });
}

/** There is no person at a runner: an approval was given beforehand, where the policy accepts that, or there is none. */
function approverOf(context: Context): Approver {
  return {
    ask: async (question, memory, { preset }) => {
      if (preset && context.env["AGENT_VAULT_APPROVE"] && detectHarness(context.env) === undefined)
        return askApproval(context, question, { memory });
      throw new VaultError(
        "APPROVAL_UNAVAILABLE",
        "The vault's policy requires a person's approval of this use, and there is no person at a runner.",
        {
          remedy: "Set AGENT_VAULT_APPROVE=once on the step, or have an owner set approval: never in the rule of the policy.",
        },
      );
    },
  };
}
