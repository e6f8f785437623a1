import { isSystemError, VaultError, writeError } from "@agent-vault/vault/read-only";

/** What an error of the engine means for the file it was about. The engine has one code for all, so its message has to tell. */
export type EngineErrorKind = "locked" | "full" | "unwritable" | "suspicious" | "other";

/** The kind of an error; `other` for one that is not the engine's. */
export function kindOfEngineError(error: unknown): EngineErrorKind {
  if (!(error instanceof Error) || error instanceof VaultError) return "other";
  if (/Locking error|database is locked|database is busy/i.test(error.message)) return "locked";
  if (/no storage space|No space left|quota exceeded|disk is full/i.test(error.message)) return "full";
  if (/permission denied|operation not permitted|read-only/i.test(error.message)) return "unwritable";
  if (/Decryption failed|not a database|Corrupt|malformed|short read|unexpected end of file/i.test(error.message)) return "suspicious";
  return "other";
}

/** The error for what the engine threw. `DISK_FULL`, `UNWRITABLE`, `LEDGER_DAMAGED`, `FAILED`; an error that is not the engine's as it is */
export function engineError(error: unknown, path: string): unknown {
  if (isSystemError(error)) return writeError(error, path);
  if (!(error instanceof Error) || error instanceof VaultError || (error as { code?: unknown }).code !== "GenericFailure") return error;
  switch (kindOfEngineError(error)) {
    case "full":
      return new VaultError("DISK_FULL", `The disk is full, so ${path} could not be written.`, {
        remedy: "Free some space and run the command again; nothing was done that is not recorded.",
        cause: error,
      });
    case "unwritable":
      return new VaultError("UNWRITABLE", `${path} could not be opened for writing.`, {
        remedy: "Check the owner and the permissions of the folder; for a machine without a disk set AGENT_VAULT_AUDIT=off.",
        cause: error,
      });
    case "suspicious":
      return damaged(path, error);
    case "locked":
      return busy(path);
    case "other":
      return new VaultError("FAILED", `The database engine failed on ${path}: ${error.message}`, {
        remedy: "Run the command again; if it fails again, please report this.",
        cause: error,
      });
  }
}

/** `BUSY`: other processes have kept the database locked for too long. */
export function busy(path: string): VaultError {
  return new VaultError("BUSY", `Other processes are using ${path}.`, { remedy: "Wait for them to end and try again." });
}

/** A database that a newer version has migrated. */
export function newerSchema(path: string): VaultError {
  return new VaultError("LEDGER_NEWER", `${path} was written by a newer agent-vault.`, {
    remedy: "Use that version, or a newer one (agent-vault --version).",
  });
}

/** `LEDGER_DAMAGED`: the engine cannot use the files, though they were found sound. */
export function damaged(path: string, cause?: unknown): VaultError {
  return new VaultError("LEDGER_DAMAGED", `${path} is damaged.`, {
    remedy: `Keep it for inspection under another name, with ${path}-wal, and run the command again: a new one is made.`,
    cause,
  });
}

/** `LEDGER_KEY`: the database is encrypted with another key. */
export function wrongKey(path: string): VaultError {
  return new VaultError("LEDGER_KEY", `This key does not open ${path}.`, {
    remedy: "Use the key, passphrase or AGENT_VAULT_LEDGER_KEY that it was made with; without it, move the file away to start a new one.",
  });
}
