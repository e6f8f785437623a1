import process from "node:process";
import * as core from "@actions/core";
import {
  askApproval,
  authorizeUnrecordedRead,
  distinctVariables,
  filtered,
  secretsIn,
  type Approver,
  type SecretReference,
  type SecretVariable,
} from "@agent-vault/runner";
import {
  detectHarness,
  findVault,
  formatSecretPath,
  printable,
  SecretReader,
  VaultError,
  type Context,
  decodeUtf8,
  replaceFile,
  type SecretPath,
} from "@agent-vault/vault";
import type { ExportInputs } from "./inputs.js";
import { masksOf } from "./masks.js";
import { secretsOfLines } from "./what-to-export.js";

/** What Linux lets one variable hold, with its name, in bytes. */
const MAX_VARIABLE_BYTES = 131_072 - 2;

/**
 * Hands secrets to the steps that follow. The runner learns what to hide before anything else is written; nothing is pulled, and
 * the use goes on record where `AGENT_VAULT_AUDIT` says, which is nowhere unless set.
 * @throws VaultError what `SecretReader` and the vault's policy throw, `INVALID_VALUE`, `ENVIRONMENT_TOO_LARGE`, `FILE_NOT_FOUND`
 */
export async function exportSecrets(inputs: ExportInputs): Promise<void> {
  const { toEnvironment, warnings, templates } = inputs;
  requireFile(toEnvironment ? "GITHUB_ENV" : "GITHUB_OUTPUT");
  let variables: readonly Variable[];
  try {
    const { values, named } = await readAll(inputs);
    variables = variablesOf(inputs, named, values);
    const files = templates.map(({ template, target }) => ({ target, bytes: template.filledWith(values) }));
    const written = writtenForms(inputs, values);
    const texts = [...values.values(), ...written].flatMap((value) => decodeUtf8(value) ?? []);
    for (const mask of new Set(texts.flatMap(masksOf))) core.setSecret(mask);
    for (const { name, value } of variables) if (toEnvironment) requireRoom(name, value);
    for (const { target, bytes } of files) replaceFile(target, bytes);
    for (const { name, value } of variables) {
      if (toEnvironment) core.exportVariable(name, value);
      else core.setOutput(name, value);
    }
  } finally {
    for (const warning of warnings) core.warning(warning, { title: "agent-vault" });
  }
  const names = variables.map(({ name, secret }) => (secret === undefined ? name : `${name} (${formatSecretPath(secret)})`));
  if (names.length > 0) core.info(printable(`Set as ${toEnvironment ? "variables of the environment" : "outputs"}: ${names.join(", ")}.`));
  for (const { target } of templates) core.info(printable(`Written: ${target}.`));
}

/** A variable for the steps that follow. */
interface Variable {
  readonly name: string;
  readonly value: string;
  /** What it holds, where that is one secret. */
  readonly secret?: SecretPath;
}

/** Reads all that the inputs name, as one use. */
async function readAll({ context, folder, secrets, entries, templates, key }: ExportInputs) {
  const referenced = [...secretsIn(entries.flatMap(({ value }) => value)), ...templates.flatMap(({ template }) => template.secrets)];
  const given = secrets.flatMap((line) => ("secret" in line ? [line.secret] : []));
  const known = [...given, ...referenced].map(formatSecretPath);
  const vault = await SecretReader.open(context, findVault(context, folder), { key: { keyText: key }, pull: false }, known);
  const named = distinctVariables(secretsOfLines(secrets, vault.secretPaths()));
  const paths = [...new Set([...named.map(({ secret }) => secret), ...referenced])];
  const judge = authorizeUnrecordedRead("read", { door: "action", approver: approverOf(context) });
  const read = await vault.read(paths.map(formatSecretPath), { judge });
  const values = new Map(paths.map((path, index) => [path, read[index]!.value]));
  return { named, values };
}

function variablesOf({ entries }: ExportInputs, named: readonly SecretVariable[], values: ReadonlyMap<SecretPath, Uint8Array>): Variable[] {
  const ofSecrets = named.map(({ variable, secret }) => ({ name: variable, value: textOf(secret, values.get(secret)!), secret }));
  const ofFile = entries.map(({ name, value }) => ({
    name,
    value: value.map((part) => (typeof part === "string" ? part : textOf(part.secret, formOf(part, values)))).join(""),
  }));
  const twice = ofFile.find(({ name }) => ofSecrets.some((other) => other.name === name));
  if (!twice) return [...ofSecrets, ...ofFile];
  throw new VaultError("INVALID_VARIABLE", `The variable ${twice.name} is set twice, by the secrets and by the env file.`, {
    remedy: "Take one of them out.",
  });
}

/** How filters write the values, which a program may print. */
function writtenForms({ entries, templates }: ExportInputs, values: ReadonlyMap<SecretPath, Uint8Array>): Uint8Array[] {
  const inEntries = entries.flatMap(({ value }) => value.flatMap((part) => (typeof part === "string" ? [] : [part])));
  return [...inEntries, ...templates.flatMap(({ template }) => template.references)]
    .filter(({ filters }) => filters !== undefined)
    .map((reference) => formOf(reference, values));
}

const formOf = ({ secret, filters }: SecretReference, values: ReadonlyMap<SecretPath, Uint8Array>) =>
  filtered(values.get(secret)!, filters, secret);

/** Without these files the values would have to be printed. */
function requireFile(name: string): void {
  if (process.env[name]) return;
  throw new VaultError("FILE_NOT_FOUND", `The runner does not set ${name}, which values are handed on through.`, {
    remedy: "Use a runner with environment files (2.277 or later).",
  });
}

function textOf(secret: SecretPath, value: Uint8Array): string {
  const text = decodeUtf8(value);
  if (text !== undefined && !text.includes("\0")) return text;
  throw new VaultError("INVALID_VALUE", `${formatSecretPath(secret)} is not text that a variable can hold.`, {
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
