import process from "node:process";
import { hideCredentials, isSystemError, printable, VaultError } from "@agent-vault/vault/read-only";
import { jsonText } from "./standard-output.js";
import { colour } from "./messages.js";

/** Prints what happened and what to do. @returns the exit code */
export function reportError(error: unknown, json: boolean): number {
  const known =
    error instanceof VaultError
      ? error
      : new VaultError("FAILED", messageOf(error), { remedy: "Run it again with DEBUG=1 to see details.", cause: error });
  if (json)
    process.stdout.write(jsonText({ error: { code: known.code, message: known.message, ...(known.remedy && { remedy: known.remedy }) } }));
  else {
    process.stderr.write(`${colour("red", "error:")} ${printable(known.message)} ${colour("dim", `[${known.code}]`)}\n`);
    if (known.remedy) process.stderr.write(`       ${printable(known.remedy)}\n`);
  }
  if (process.env["DEBUG"] && error instanceof Error)
    process.stderr.write(
      `${hideCredentials(error.stack ?? "")
        .split("\n")
        .map(printable)
        .join("\n")}\n`,
    );
  return known.exitCode;
}

function messageOf(error: unknown): string {
  if (isSystemError(error)) return `${error.path ?? "A file"} could not be accessed (${error.code}).`;
  return error instanceof Error ? `Something unexpected went wrong: ${error.message}` : "Something unexpected went wrong.";
}
