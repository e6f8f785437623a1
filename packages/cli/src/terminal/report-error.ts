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

/**
 * An error of oclif's parser as one of ours.
 * @param argvMayHoldSecret leave out what the parser quotes from the command line
 */
export function usageError(error: unknown, command: string | undefined, argvMayHoldSecret: boolean): unknown {
  if (error instanceof VaultError || !(error instanceof Error) || !("oclif" in error || error.constructor.name.endsWith("Error")))
    return error;
  const remedy = `See agent-vault ${command ?? ""} --help.`;
  if ("args" in error && error.constructor.name === "RequiredArgsError") {
    const missing = (error.args as { name: string; description?: string }[]).map(
      ({ name, description }) => `${name.toUpperCase()} (${description})`,
    );
    return new VaultError("USAGE", `agent-vault ${command} needs ${missing.join(" and ")}.`, { remedy, cause: error });
  }
  const [first, ...rest] = error.message
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("See more help"));
  if (argvMayHoldSecret && /^(?:Unexpected|Nonexistent)/.test(error.message)) {
    return new VaultError("USAGE", `agent-vault ${command} was called with an unknown flag or with too many arguments.`, {
      remedy: `Put a value that starts with - after --, and quote a value with spaces. ${remedy}`,
    });
  }
  const message = [first, ...rest.map((line) => line.replace(/\s{2,}/g, ": "))].join(" ");
  return new VaultError("USAGE", /[.!?]$/.test(message) ? message : `${message}.`, { remedy, cause: error });
}

function messageOf(error: unknown): string {
  if (isSystemError(error)) return `${error.path ?? "A file"} could not be accessed (${error.code}).`;
  return error instanceof Error ? `Something unexpected went wrong: ${error.message}` : "Something unexpected went wrong.";
}
