import { ERROR_CODES, VaultError, type ErrorCode } from "@agent-vault/vault/errors";

export { VaultError, type ErrorCode };

/**
 * There is no vault at `repoPath`, or no key to read it with.
 * @example
 * ```js
 * import { Vault, VaultNotFoundError } from "agent-vault";
 * try {
 *   new Vault({ repoPath: "/" });
 * } catch (error) {
 *   if (error instanceof VaultNotFoundError) console.log(error.code); // VAULT_NOT_FOUND
 *   else throw error;
 * }
 * ```
 */
export class VaultNotFoundError extends VaultError {
  protected static override readonly sdkClass = "VaultNotFoundError";
}

/**
 * The vault has no such secret.
 * @example
 * ```js
 * import { Vault, SecretNotFoundError } from "agent-vault";
 * try {
 *   const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
 *   await vault.get("stripe/no-such-key");
 * } catch (error) {
 *   if (error instanceof SecretNotFoundError) console.log(error.code); // SECRET_NOT_FOUND
 *   else throw error;
 * }
 * ```
 */
export class SecretNotFoundError extends VaultError {
  protected static override readonly sdkClass = "SecretNotFoundError";
}

/**
 * The key opens nothing of what was asked for.
 * @example
 * ```js
 * import { Vault, NotAuthorizedError } from "agent-vault";
 * try {
 *   const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
 *   await vault.get("payroll/password");
 * } catch (error) {
 *   if (error instanceof NotAuthorizedError) console.log(error.code); // NOT_AUTHORIZED
 *   else throw error;
 * }
 * ```
 */
export class NotAuthorizedError extends VaultError {
  protected static override readonly sdkClass = "NotAuthorizedError";
}

/**
 * The manifest, the configuration or a secret's metadata cannot be read.
 * @example
 * ```js
 * import { Vault, ManifestError } from "agent-vault";
 * try {
 *   const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
 *   vault.listSecrets("no-such-group");
 * } catch (error) {
 *   if (error instanceof ManifestError) console.log(error.code); // GROUP_NOT_FOUND
 *   else throw error;
 * }
 * ```
 */
export class ManifestError extends VaultError {
  protected static override readonly sdkClass = "ManifestError";
}

/**
 * What lies in the vault is not what its owner signed, or it is damaged; `code` says how (`TAMPERED`, `ROLLBACK`, `UNTRUSTED_SIGNER` and so on).
 * @example
 * ```js
 * import { Vault, VerificationError } from "agent-vault";
 * try {
 *   const vault = new Vault({ repoPath: ".", keyPath: "~/.agent-vault/agents/billing-agent.key" });
 *   await vault.get("stripe/api-key");
 * } catch (error) {
 *   if (error instanceof VerificationError) console.error("Do not use this copy of the vault:", error.code);
 *   else throw error;
 * }
 * ```
 */
export class VerificationError extends VaultError {
  protected static override readonly sdkClass = "VerificationError";
}

const CLASSES = { VaultError, VaultNotFoundError, SecretNotFoundError, NotAuthorizedError, ManifestError, VerificationError };

/** The same error as the class that a program can catch. */
export function typedError(error: unknown): unknown {
  if (!(error instanceof VaultError)) return error;
  const Class = CLASSES[ERROR_CODES[error.code]?.sdkClass ?? "VaultError"];
  const typed = new Class(error.code, error.remedy === undefined ? error.message : `${error.message} ${error.remedy}`, {
    ...(error.remedy !== undefined && { remedy: error.remedy }),
    cause: error.cause,
  });
  typed.name = Class.name;
  return typed;
}

/** Runs `read`, and throws its errors as the classes that a program can catch. */
export function typed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw typedError(error);
  }
}

/** As `typed`, for a promise. */
export async function typedAsync<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw typedError(error);
  }
}
