import { readFileSync } from "node:fs";
import { isSystemError, resolvePath, VaultError, type Context } from "@agent-vault/vault/read-only";

/** Reads a file that is named on the command line. @param named how, for the remedy: `with --env-file`. @throws VaultError `FILE_NOT_FOUND` */
export function readInputFile(context: Context, file: string, named: string): Buffer {
  try {
    return readFileSync(resolvePath(context, file));
  } catch (cause) {
    const why = isSystemError(cause, "ENOENT", "ENOTDIR") ? "does not exist" : "could not be read";
    throw new VaultError("FILE_NOT_FOUND", `${file} ${why}.`, { remedy: `Check the path given ${named}.`, cause });
  }
}
