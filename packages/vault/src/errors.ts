import { devNull } from "node:os";
import { join } from "node:path";
import { types } from "node:util";
import { hideCredentials } from "./text/credentials.js";

/** What kind of failure a code means, with the exit code of the command line. Those of a command that `run` starts are a shell's. */
const EXIT_CODE_BY_KIND = {
  failed: 1,
  usage: 2,
  "not-found": 3,
  key: 4,
  unreadable: 5,
  verification: 5,
  findings: 5,
  refused: 6,
  conflict: 7,
  busy: 8,
  command: 127,
} as const;

/** What kind of failure a code means. */
export type ErrorKind = keyof typeof EXIT_CODE_BY_KIND;

/** The classes of the SDKs that are for some codes. */
type SdkClass = "VaultNotFoundError" | "SecretNotFoundError" | "NotAuthorizedError" | "ManifestError" | "VerificationError";

interface ErrorEntry {
  readonly kind: ErrorKind;
  /** The class that both SDKs throw; `VaultError` unless set. */
  readonly sdkClass?: SdkClass;
  /** Where it is not its kind's. */
  readonly exit?: number;
}

/**
 * Every way in which an operation on a vault can fail. This is the one table of them: the SDKs' classes and the page of codes in the
 * documentation are made from it (`npm run errors`).
 */
const ERRORS = {
  /** An error that has no code of its own. */
  FAILED: { kind: "failed" },
  /** A file or folder cannot be written. */
  UNWRITABLE: { kind: "failed" },
  /** The disk is full. */
  DISK_FULL: { kind: "failed" },
  /** The program `git` is not on the PATH. */
  GIT_MISSING: { kind: "failed" },
  /** git, or the remote that it talked to, refused or failed. */
  GIT_FAILED: { kind: "failed" },
  /** git could not sign the commit as `commit.gpgSign` asks. */
  SIGNING_FAILED: { kind: "failed" },
  /** The ledger cannot be used on this machine, so the use cannot be recorded. */
  LEDGER_UNAVAILABLE: { kind: "failed" },
  /** The ledger's folder is a link or belongs to another user. */
  LEDGER_FOLDER: { kind: "failed" },
  /** The ledger was written by a newer agent-vault. */
  LEDGER_NEWER: { kind: "failed" },
  /** There is no storage in memory for a secret that a command wants as a file. */
  NO_PRIVATE_STORAGE: { kind: "failed" },
  /** The command line, an option or an environment variable is wrong. */
  USAGE: { kind: "usage" },
  /** A name has characters that names cannot have, or is too long. */
  INVALID_NAME: { kind: "usage" },
  /** A value cannot be used this way, such as bytes that are not text in a variable. */
  INVALID_VALUE: { kind: "usage" },
  /** No value was given. */
  VALUE_REQUIRED: { kind: "usage" },
  /** A value is larger than the vault allows. */
  VALUE_TOO_LARGE: { kind: "usage" },
  /** The name of an environment variable is not a valid one. */
  INVALID_VARIABLE: { kind: "usage" },
  /** A `vault://` reference cannot be read. */
  INVALID_REFERENCE: { kind: "usage" },
  /** The file of profiles cannot be read. */
  INVALID_PROFILE: { kind: "usage" },
  /** There is no vault here. */
  VAULT_NOT_FOUND: { kind: "not-found", sdkClass: "VaultNotFoundError" },
  /** The folder is in no git repository. */
  REPOSITORY_NOT_FOUND: { kind: "not-found" },
  /** The vault has no such secret. */
  SECRET_NOT_FOUND: { kind: "not-found", sdkClass: "SecretNotFoundError" },
  /** The vault has no such agent. */
  AGENT_NOT_FOUND: { kind: "not-found" },
  /** The vault has no such group. */
  GROUP_NOT_FOUND: { kind: "not-found", sdkClass: "ManifestError" },
  /** The vault has no such owner. */
  OWNER_NOT_FOUND: { kind: "not-found" },
  /** A file that was named does not exist. */
  FILE_NOT_FOUND: { kind: "not-found" },
  /** The agent has no such grant. */
  NOT_GRANTED: { kind: "not-found" },
  /** There is no such profile. */
  PROFILE_NOT_FOUND: { kind: "not-found" },
  /** There is no such token. */
  TOKEN_NOT_FOUND: { kind: "not-found" },
  /** There is no such session. */
  SESSION_NOT_FOUND: { kind: "not-found" },
  /** There is no key to read the vault with. */
  NO_KEY: { kind: "key", sdkClass: "VaultNotFoundError" },
  /** A key cannot be read. */
  INVALID_KEY: { kind: "key" },
  /** The key does not open the secret, or is no owner's. */
  NOT_AUTHORIZED: { kind: "key", sdkClass: "NotAuthorizedError" },
  /** The passphrase does not open the key. */
  WRONG_PASSPHRASE: { kind: "key" },
  /** The key needs a passphrase, and there is no terminal to ask for it. */
  PASSPHRASE_REQUIRED: { kind: "key" },
  /** The ledger's key cannot be read or does not open it. */
  LEDGER_KEY: { kind: "key" },
  /** A file of the vault is not valid YAML. */
  INVALID_YAML: { kind: "unreadable", sdkClass: "ManifestError" },
  /** `config.yaml` is missing or not valid. */
  INVALID_CONFIG: { kind: "unreadable", sdkClass: "ManifestError" },
  /** `manifest.yaml` is missing or not valid. */
  INVALID_MANIFEST: { kind: "unreadable", sdkClass: "ManifestError" },
  /** A secret's metadata is not valid. */
  INVALID_METADATA: { kind: "unreadable", sdkClass: "ManifestError" },
  /** A public key is not a valid recipient. */
  INVALID_RECIPIENT: { kind: "unreadable", sdkClass: "ManifestError" },
  /** Post-quantum and classic recipients are mixed in one file. */
  MIXED_RECIPIENTS: { kind: "unreadable", sdkClass: "VerificationError" },
  /** A file cannot be decrypted or parsed. */
  DAMAGED: { kind: "unreadable", sdkClass: "VerificationError" },
  /** The vault contains a symbolic link. */
  LINK_IN_VAULT: { kind: "verification", sdkClass: "VerificationError" },
  /** The state of the vault is not signed. */
  UNSIGNED: { kind: "verification", sdkClass: "VerificationError" },
  /** The signature does not match the vault's lock. */
  BAD_SIGNATURE: { kind: "verification", sdkClass: "VerificationError" },
  /** The state of the vault or its policy was written by a newer agent-vault. */
  TOO_NEW: { kind: "verification", sdkClass: "VerificationError" },
  /** The vault is signed by a key that this machine has no reason to trust. */
  UNTRUSTED_SIGNER: { kind: "verification", sdkClass: "VerificationError" },
  /** This is another vault than the one expected. */
  WRONG_VAULT: { kind: "verification", sdkClass: "VerificationError" },
  /** A file is not what the owner signed. */
  TAMPERED: { kind: "verification", sdkClass: "VerificationError" },
  /** The vault is in an older state than one seen before. */
  ROLLBACK: { kind: "verification", sdkClass: "VerificationError" },
  /** Two states exist where one should follow the other. */
  FORKED: { kind: "verification", sdkClass: "VerificationError" },
  /** The signed state is no longer valid. */
  EXPIRED_STATE: { kind: "verification", sdkClass: "VerificationError" },
  /** A secret is encrypted to other recipients than the manifest names. */
  UNEXPECTED_RECIPIENT: { kind: "verification", sdkClass: "VerificationError" },
  /** `check` or `doctor` found problems. */
  CHECK_FAILED: { kind: "findings" },
  /** `scan` found a private key. */
  KEY_MATERIAL: { kind: "findings" },
  /** The ledger is damaged, or its audit log was changed. */
  LEDGER_DAMAGED: { kind: "findings" },
  /** The command asks for confirmation, and it was not given. */
  CONFIRMATION_REQUIRED: { kind: "refused" },
  /** `policy.yaml` is not valid, so nothing is allowed. */
  INVALID_POLICY: { kind: "refused" },
  /** The policy does not allow the use. */
  POLICY_DENIED: { kind: "refused" },
  /** A coding agent asked for something that would show it a value. */
  HARNESS_DENIED: { kind: "refused" },
  /** A person denied the use, or did not answer in time. */
  APPROVAL_DENIED: { kind: "refused" },
  /** The use needs a person's approval, and nobody can be asked. */
  APPROVAL_UNAVAILABLE: { kind: "refused" },
  /** The token is not one of this vault, or was changed. */
  TOKEN_INVALID: { kind: "refused" },
  /** The token has expired. */
  TOKEN_EXPIRED: { kind: "refused" },
  /** The token was revoked. */
  TOKEN_REVOKED: { kind: "refused" },
  /** The token has no uses left. */
  TOKEN_USED_UP: { kind: "refused" },
  /** The token does not allow the use. */
  TOKEN_DENIED: { kind: "refused" },
  /** The value is too short to be scrubbed from output. */
  SECRET_TOO_SHORT: { kind: "refused" },
  /** It exists already. */
  ALREADY_EXISTS: { kind: "conflict" },
  /** The repository is in the middle of a merge, a rebase or the like. */
  REPOSITORY_BUSY: { kind: "conflict" },
  /** Two changes cannot be joined, or something changed at the same time. */
  CONFLICT: { kind: "conflict" },
  /** Another process is changing the vault or using the file. */
  BUSY: { kind: "busy" },
  /** The command ran longer than `--timeout`. */
  TIMED_OUT: { kind: "command", exit: 124 },
  /** The command cannot be executed. */
  COMMAND_NOT_EXECUTABLE: { kind: "command", exit: 126 },
  /** The variables do not fit into a command's environment. */
  ENVIRONMENT_TOO_LARGE: { kind: "command", exit: 126 },
  /** There is no such command. */
  COMMAND_NOT_FOUND: { kind: "command", exit: 127 },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

/** The closed set of error codes. */
export type ErrorCode = keyof typeof ERRORS;

/** The table as it is looked up. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorEntry>> = ERRORS;

/** The exit code with which the command line ends for an error code. */
export function exitCodeOf(code: ErrorCode): number {
  const { exit, kind } = ERROR_CODES[code];
  return exit ?? EXIT_CODE_BY_KIND[kind];
}

/** The property of every VaultError, whichever copy of this package made it. */
const BRAND = Symbol.for("agent-vault.error");

/**
 * The one error of agent-vault: what happened (`message`), what the person can do next (`remedy`), and a `code` to act on.
 * Neither text ever holds a secret value or a private key: credentials, keys and tokens in words that are repeated are hidden.
 */
export class VaultError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  /**
   * Whether a value is such an error, also one of another copy of this package or of another realm: a bundler or a test runner may load
   * several. A subclass recognizes those whose code is of its kind.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
    return this === VaultError || (Object.hasOwn(this, "sdkClass") && classOf(value[BRAND]) === this.sdkClass);
  }

  /** The class of a code, in a subclass that is made for one; any other subclass is recognized as classes are. */
  protected static readonly sdkClass: SdkClass | undefined = undefined;

  constructor(code: ErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(hideCredentials(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "VaultError";
    this.code = code;
    this.remedy = options.remedy === undefined ? undefined : hideCredentials(options.remedy);
    Object.defineProperty(this, BRAND, { value: code });
  }

  /** The exit code with which the command line ends: 1 to 8, and above those what shells use. */
  get exitCode(): number {
    return exitCodeOf(this.code);
  }

  toJSON(): { code: ErrorCode; message: string; remedy: string | undefined } {
    return { code: this.code, message: this.message, remedy: this.remedy };
  }
}

function classOf(code: unknown): SdkClass | undefined {
  return typeof code === "string" && Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as ErrorCode].sdkClass : undefined;
}

/** The home folder of a user who has none. Nothing can be below it, so reading finds nothing and writing fails. */
export const NO_HOME = join(devNull, "no-home");

/** Whether a vault is not what its owner signed: no reason to go on with less. */
export function isVerificationError(error: unknown): error is VaultError {
  return error instanceof VaultError && ERROR_CODES[error.code].kind === "verification";
}

/** Whether `error` is a system error, and with one of the given `errno` names (`"ENOENT"`) if any are given. */
export function isSystemError(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  // An error of node:fs is no `Error` of the realm that a test runner makes.
  return (
    types.isNativeError(error) &&
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
