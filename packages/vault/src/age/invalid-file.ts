import { VaultError } from "../errors.js";

/** The error for bytes that are no sound age file: one sentence of what is wrong with them, and where good ones are. */
export function invalidFile(reason: string, cause?: unknown): VaultError {
  return new VaultError("DAMAGED", `The encrypted file is damaged: ${reason}.`, {
    remedy: "Restore the file from git (git checkout REVISION -- FILE) or from a backup.",
    cause,
  });
}
