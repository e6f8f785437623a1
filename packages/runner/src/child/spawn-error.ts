import { existsSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { isExecutable, isSystemError, printable, VaultError } from "@agent-vault/vault/read-only";

/** The longest `NAME=value` that Linux takes. */
const MAX_VARIABLE_BYTES = 128 * 1024;

/**
 * Why a program did not start, as shells tell it: `COMMAND_NOT_FOUND` (127), `COMMAND_NOT_EXECUTABLE` or `ENVIRONMENT_TOO_LARGE` (126), else what
 * was thrown. Names variables and never a value.
 */
export function spawnError(error: unknown, program: string, cwd: string, env: Readonly<Record<string, string>>): unknown {
  const name = printable(program);
  if (isSystemError(error, "E2BIG")) return tooLarge(error, env);
  if (isSystemError(error, "ENOENT") && !isThere(program, cwd, env)) {
    return new VaultError("COMMAND_NOT_FOUND", `There is no program ${name}.`, {
      remedy: "Check its name and PATH; a line for a shell needs --shell.",
      cause: error,
    });
  }
  if (isSystemError(error, "ENOENT", "EACCES", "EPERM", "ENOEXEC", "ENOTDIR", "EISDIR", "ELOOP", "EINVAL", "ETXTBSY", "UNKNOWN")) {
    return new VaultError("COMMAND_NOT_EXECUTABLE", `${name} is not a program that can be run here (${error.code}).`, {
      remedy: "Check that it is a file with the permission to run, and that the interpreter in its first line is there.",
      cause: error,
    });
  }
  return error;
}

/**
 * Finds a program as the system would, before a shell that looks for it.
 * @throws VaultError `COMMAND_NOT_FOUND`, `COMMAND_NOT_EXECUTABLE`, `ENVIRONMENT_TOO_LARGE`
 */
export function requireProgram(program: string, cwd: string, env: Readonly<Record<string, string>>): void {
  const places = program.includes("/") ? [resolve(cwd, program)] : searchPath(env).map((folder) => resolve(cwd, folder, program));
  if (!places.some(isExecutable)) throw spawnError(systemError(places.some(existsSync) ? "EACCES" : "ENOENT"), program, cwd, env);
  const largest = Math.max(...Object.entries(env).map(([name, value]) => Buffer.byteLength(`${name}=${value}`) + 1));
  if (largest > MAX_VARIABLE_BYTES) throw tooLarge(systemError("E2BIG"), env);
}

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

function searchPath(env: Readonly<Record<string, string>>): string[] {
  return (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
}

function tooLarge(cause: unknown, env: Readonly<Record<string, string>>): VaultError {
  const sizes = Object.entries(env).map(([name, value]) => ({ name, size: Buffer.byteLength(`${name}=${value}`) + 1 }));
  const largest = sizes.toSorted((one, other) => other.size - one.size)[0];
  const total = sizes.reduce((sum, { size }) => sum + size, 0);
  const what =
    largest && largest.size > MAX_VARIABLE_BYTES
      ? `The variable ${printable(largest.name)} is ${largest.size} bytes long, more than the system hands to a program.`
      : `The command and its environment of ${total} bytes are more than the system hands to a program.`;
  return new VaultError("ENVIRONMENT_TOO_LARGE", what, {
    remedy: "Hand large secrets over as files (--file NAME=PATH), or leave out what the program does not need (--clean-env).",
    cause,
  });
}

/** A file that is there and yet not found is a script whose interpreter is not. */
function isThere(program: string, cwd: string, env: Readonly<Record<string, string>>): boolean {
  if (program.includes("/")) return existsSync(resolve(cwd, program));
  return searchPath(env).some((folder) => existsSync(resolve(cwd, folder, program)));
}
