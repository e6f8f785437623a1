import { ERROR_CODES, VaultError, type ErrorCode } from "@agent-vault/vault/read-only";

export { VaultError, type ErrorCode };

/** There is no vault at `repoPath`, or no key to read it with. */
export class VaultNotFoundError extends VaultError {}

/** The vault has no such secret. */
export class SecretNotFoundError extends VaultError {}

/** The key opens nothing of what was asked for. */
export class NotAuthorizedError extends VaultError {}

/** The manifest, the configuration or a secret's metadata cannot be read. */
export class ManifestError extends VaultError {}

/** What lies in the vault is not what its owner signed, or it is damaged; `code` says how (`TAMPERED`, `ROLLBACK`, `UNTRUSTED_SIGNER` and so on). */
export class VerificationError extends VaultError {}

const CLASSES = { VaultError, VaultNotFoundError, SecretNotFoundError, NotAuthorizedError, ManifestError, VerificationError };

/** Also one of another copy of the vault's package: a bundler or a test runner may load two. */
function isVaultError(error: unknown): error is VaultError {
  return error instanceof Error && "remedy" in error && "code" in error && Object.hasOwn(ERROR_CODES, String(error.code));
}

/** The same error as the class that a program can catch. */
export function typedError(error: unknown): unknown {
  if (!isVaultError(error)) return error;
  const Class = CLASSES[ERROR_CODES[error.code].sdkClass ?? "VaultError"];
  const typed = new Class(error.code, error.remedy === undefined ? error.message : `${error.message} ${error.remedy}`, {
    ...(error.remedy !== undefined && { remedy: error.remedy }),
    cause: error.cause,
  });
  typed.name = Class.name;
  return typed;
}
