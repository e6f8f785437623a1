import { devNull } from "node:os";
import { join } from "node:path";

/** Every way in which an operation on a vault can fail, with the exit code that the CLI gives it. */
export const EXIT_CODES = {
  FAILED: 1,
  UNWRITABLE: 1,
  DISK_FULL: 1,
  GIT_MISSING: 1,
  GIT_FAILED: 1,
  SIGNING_FAILED: 1,
  LEDGER_UNAVAILABLE: 1,
  LEDGER_FOLDER: 1,
  LEDGER_NEWER: 1,
  NO_PRIVATE_STORAGE: 1,
  USAGE: 2,
  INVALID_NAME: 2,
  INVALID_VALUE: 2,
  VALUE_REQUIRED: 2,
  VALUE_TOO_LARGE: 2,
  INVALID_VARIABLE: 2,
  INVALID_REFERENCE: 2,
  INVALID_PROFILE: 2,
  VAULT_NOT_FOUND: 3,
  REPOSITORY_NOT_FOUND: 3,
  SECRET_NOT_FOUND: 3,
  AGENT_NOT_FOUND: 3,
  GROUP_NOT_FOUND: 3,
  OWNER_NOT_FOUND: 3,
  FILE_NOT_FOUND: 3,
  NOT_GRANTED: 3,
  PROFILE_NOT_FOUND: 3,
  TOKEN_NOT_FOUND: 3,
  SESSION_NOT_FOUND: 3,
  NO_KEY: 4,
  INVALID_KEY: 4,
  NOT_AUTHORIZED: 4,
  WRONG_PASSPHRASE: 4,
  PASSPHRASE_REQUIRED: 4,
  LEDGER_KEY: 4,
  INVALID_YAML: 5,
  INVALID_CONFIG: 5,
  INVALID_MANIFEST: 5,
  INVALID_METADATA: 5,
  INVALID_RECIPIENT: 5,
  MIXED_RECIPIENTS: 5,
  DAMAGED: 5,
  LINK_IN_VAULT: 5,
  UNSIGNED: 5,
  BAD_SIGNATURE: 5,
  UNTRUSTED_SIGNER: 5,
  WRONG_VAULT: 5,
  TAMPERED: 5,
  ROLLBACK: 5,
  FORKED: 5,
  EXPIRED_STATE: 5,
  UNEXPECTED_RECIPIENT: 5,
  CHECK_FAILED: 5,
  KEY_MATERIAL: 5,
  LEDGER_DAMAGED: 5,
  CONFIRMATION_REQUIRED: 6,
  INVALID_POLICY: 6,
  POLICY_DENIED: 6,
  HARNESS_DENIED: 6,
  APPROVAL_DENIED: 6,
  APPROVAL_UNAVAILABLE: 6,
  TOKEN_INVALID: 6,
  TOKEN_EXPIRED: 6,
  TOKEN_REVOKED: 6,
  TOKEN_USED_UP: 6,
  TOKEN_DENIED: 6,
  SECRET_TOO_SHORT: 6,
  ALREADY_EXISTS: 7,
  REPOSITORY_BUSY: 7,
  CONFLICT: 7,
  BUSY: 8,
  TIMED_OUT: 124,
  COMMAND_NOT_EXECUTABLE: 126,
  ENVIRONMENT_TOO_LARGE: 126,
  COMMAND_NOT_FOUND: 127,
} as const;

/** The closed set of error codes. */
export type ErrorCode = keyof typeof EXIT_CODES;

/**
 * The one error of agent-vault: what happened (`message`), what the person can do next (`remedy`), and a `code` to act on.
 * Neither text ever holds a secret value or a private key.
 */
export class VaultError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "VaultError";
    this.code = code;
    this.remedy = options.remedy;
  }

  /** The exit code that the command line gives this error: 0 to 8, and above those what shells use. */
  get exitCode(): number {
    return EXIT_CODES[this.code];
  }

  toJSON(): { code: ErrorCode; message: string; remedy: string | undefined } {
    return { code: this.code, message: this.message, remedy: this.remedy };
  }
}

/** Stands for the home folder of a user who has none. Nothing can be below it, so reading finds nothing and writing fails. */
export const NO_HOME = join(devNull, "no-home");

/** Whether `error` is a system error, and with one of the given `errno` names (`"ENOENT"`) if any are given. */
export function isSystemError(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    "syscall" in error &&
    (codes.length === 0 || codes.includes(error.code))
  );
}

/**
 * The error for a failed write: `DISK_FULL`, `UNWRITABLE`, or what was thrown.
 * @param what names the file or folder in the message.
 */
export function writeError(error: unknown, what: string): unknown {
  if (isSystemError(error, "ENOSPC", "EDQUOT")) {
    return new VaultError("DISK_FULL", `The disk is full, so ${what} could not be written.`, {
      remedy: "Free some space and run the command again; nothing was changed.",
      cause: error,
    });
  }
  if (isSystemError(error) && what.startsWith(NO_HOME)) {
    return new VaultError("UNWRITABLE", "You have no home folder, so nothing can be kept there.", {
      remedy: "Set AGENT_VAULT_HOME to a folder of your own, then run the command again.",
      cause: error,
    });
  }
  if (isSystemError(error, "EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EISDIR", "ELOOP")) {
    return new VaultError("UNWRITABLE", `${what} could not be written (${error.code}).`, {
      remedy: "Check the owner and the permissions of the folder, then run the command again.",
      cause: error,
    });
  }
  return error;
}
