import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { parseEnvFile, parseTemplate, requireVariableName, type EnvEntry, type Template } from "@agent-vault/runner";
import {
  decodeUtf8,
  formatSecretPath,
  isSystemError,
  parseSecretPath,
  variableName,
  VaultError,
  type SecretPath,
} from "@agent-vault/vault";

/** A line of the input `secrets`: one secret with its variable, or all below a path, each with a variable of its own name. */
export type SecretLine = { readonly variable: string; readonly secret: SecretPath } | { readonly below: string; readonly line: number };

/** A template of the workspace, and the file that it becomes. */
export interface FilledTemplate {
  readonly template: Template;
  /** Absolute. */
  readonly target: string;
}

/** Variables that the runner sets for itself. */
const RUNNER_VARIABLES = /^(?:GITHUB|RUNNER|ACTIONS|INPUT)_/i;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Lines `group/name | VARIABLE`, `group/name` alone, or `group/**`. @throws VaultError `USAGE`, `INVALID_NAME`, `INVALID_VARIABLE` */
export function readSecretLines(text: string): SecretLine[] {
  return linesOf(text).map(([words, line]): SecretLine => {
    const [path = "", variable, ...more] = words;
    if (more.length > 0 || variable === "")
      throw usage(`Line ${line} of the secrets is not of the form group/name | VARIABLE.`, "Write one secret a line.");
    const [, below] = /^(.+)\/\*\*$/.exec(path) ?? [];
    if (below === undefined) {
      const secret = parseSecretPath(path);
      return { variable: requireOwnVariable(variable ?? variableName(secret), `Line ${line} of the secrets`), secret };
    }
    if (variable !== undefined)
      throw usage(
        `Line ${line} of the secrets names one variable for many secrets.`,
        "Leave it out: each goes to a variable of its own name.",
      );
    // It begins names as a secret's path does.
    parseSecretPath(`${below}/x`);
    return { below: `${below}/`, line };
  });
}

/** The secrets that lines ask for, in a vault that has these. @throws VaultError `SECRET_NOT_FOUND`, `INVALID_VARIABLE` */
export function secretsOfLines(lines: readonly SecretLine[], present: readonly string[]): { variable: string; secret: SecretPath }[] {
  return lines.flatMap((one) => {
    if (!("below" in one)) return [one];
    const paths = present.filter((path) => path.startsWith(one.below));
    if (paths.length === 0) {
      throw new VaultError("SECRET_NOT_FOUND", `The vault has no secret below ${one.below}.`, {
        remedy: `Check line ${one.line} of the secrets; agent-vault list shows them all.`,
      });
    }
    return paths.map(parseSecretPath).map((secret) => ({
      variable: requireOwnVariable(variableName(secret), `${formatSecretPath(secret)}, by line ${one.line} of the secrets`),
      secret,
    }));
  });
}

/** The variables of an env file of the workspace. @throws VaultError `FILE_NOT_FOUND`, `INVALID_VALUE`, `INVALID_VARIABLE`, `INVALID_REFERENCE` */
export function readEnvFile(workspace: string, file: string): EnvEntry[] {
  const text = decodeUtf8(readWorkspaceFile(workspace, file));
  if (text === undefined) throw new VaultError("INVALID_VALUE", `${file} is not UTF-8 text.`, { remedy: "Save it as UTF-8." });
  const entries = parseEnvFile(text, file);
  for (const { name, line } of entries) requireOwnVariable(name, `${file}, line ${line}`);
  return entries;
}

/** Lines `template | file`. @throws VaultError `USAGE`, `FILE_NOT_FOUND`, `INVALID_REFERENCE` */
export function readTemplates(workspace: string, text: string): FilledTemplate[] {
  const templates = linesOf(text).map(([words, line]) => {
    const [source, target, ...more] = words;
    if (!source || !target || more.length > 0)
      throw usage(`Line ${line} of the templates is not of the form TEMPLATE | FILE.`, "Write for example: config.tmpl | config.json.");
    return { template: parseTemplate(readWorkspaceFile(workspace, source), source), target: targetIn(workspace, target) };
  });
  const twice = templates.find(({ target }, index) => templates.findIndex((other) => other.target === target) < index);
  if (twice) throw usage(`Two templates are written to ${relative(workspace, twice.target)}.`, "Name another file for one of them.");
  return templates;
}

/** @throws VaultError `INVALID_VARIABLE` for a variable that no secret may go to, the runner's own among them */
function requireOwnVariable(name: string, where: string): string {
  requireVariableName(name, where);
  if (!RUNNER_VARIABLES.test(name)) return name;
  throw new VaultError("INVALID_VARIABLE", `${where}: the variable ${name} is the runner's own.`, { remedy: "Use another name." });
}

/** Lines that say something, split at `|`, with their numbers. */
function linesOf(text: string): [words: string[], line: number][] {
  return text.split(/\r?\n/).flatMap((line, index): [string[], number][] => {
    const trimmed = line.trim();
    return trimmed === "" || trimmed.startsWith("#") ? [] : [[trimmed.split("|").map((word) => word.trim()), index + 1]];
  });
}

function readWorkspaceFile(workspace: string, file: string): Uint8Array {
  const path = resolve(workspace, file);
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw usage(`${file} is larger than 16 MiB.`, "Use a smaller file.");
    return readFileSync(path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new VaultError("FILE_NOT_FOUND", `${file} cannot be read (${error.code}).`, {
      remedy: "Name a file of the workspace, after the checkout.",
    });
  }
}

/** A file below the workspace, whatever links are on the way: a pull request may have made them. */
function targetIn(workspace: string, file: string): string {
  const path = resolve(workspace, file);
  try {
    const folder = realpathSync(dirname(path));
    const inside = relative(realpathSync(workspace), folder);
    if (!isAbsolute(inside) && inside !== ".." && !/^\.\.[/\\]/.test(inside)) return join(folder, basename(path));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new VaultError("FILE_NOT_FOUND", `The folder of ${file} is not there (${error.code}).`, {
      remedy: "Make it in an earlier step.",
    });
  }
  throw usage(`${file} is not in the workspace.`, "Name a file in it; a link out of it is not followed.");
}

/** `USAGE`, for an input that is wrong. */
export function usage(message: string, remedy: string): VaultError {
  return new VaultError("USAGE", message, { remedy });
}
