import { decodeUtf8, parseSecretPath, variableName, VaultError } from "@agent-vault/vault/read-only";
import { typedError } from "./errors.js";
import { requirePaths } from "./options.js";

/** The paths by the variables that are to hold them. @throws VaultError `USAGE`, `INVALID_NAME`, `INVALID_VARIABLE` where two secrets share one */
export function variablesOf(secrets: unknown): [variable: string, path: string][] {
  if (Array.isArray(secrets)) requirePaths(secrets);
  else if (typeof secrets !== "object" || secrets === null) requirePaths(secrets);
  else requirePaths(Object.values(secrets));
  if (!Array.isArray(secrets)) return Object.entries(secrets as Record<string, string>);
  const variables = new Map<string, string>();
  for (const path of secrets as readonly string[]) {
    const variable = variableName(parseSecretPath(path));
    const other = variables.get(variable);
    if (other !== undefined && parseSecretPath(other) !== parseSecretPath(path)) {
      throw new VaultError("INVALID_VARIABLE", `The variable ${variable} cannot hold both ${other} and ${path}.`, {
        remedy: `Name another for one of them: env({ VARIABLE: ${JSON.stringify(path)} }).`,
      });
    }
    variables.set(variable, path);
  }
  return [...variables];
}

/** A value as text. @throws VaultError `INVALID_VALUE` where it is not UTF-8 */
export function asText(path: string, value: Uint8Array): string {
  const text = decodeUtf8(value);
  if (text !== undefined) return text;
  throw typedError(new VaultError("INVALID_VALUE", `${path} is not UTF-8 text.`, { remedy: "Read it with getBytes." }));
}

/** A value that a variable can hold. @throws VaultError `INVALID_VALUE` for a zero byte */
export function withoutZero(path: string, value: string): string {
  if (!value.includes("\0")) return value;
  throw new VaultError("INVALID_VALUE", `${path} holds a zero byte, which no variable can.`, { remedy: "Read it with getBytes." });
}
