import { lazyRecorder, sinkRecorder, VaultError, type ReadAuthorizer, type Recorder } from "@agent-vault/vault/read-only";

/** Puts uses on record: in the ledger, or in a spool beside it where the package of the ledger was left out. */
export const ledgerRecorder = (): Recorder =>
  lazyRecorder(async () => {
    try {
      return new (await import("@agent-vault/ledger")).LedgerRecorder("get");
    } catch (error) {
      if (isMissing(error)) return sinkRecorder("get", { kind: "spool" });
      throw error;
    }
  });

/** Decides where a policy or a token does. */
export const judge: ReadAuthorizer = async (...read) => {
  const load = async () => (await import("@agent-vault/runner")).authorizeRead;
  const authorizeRead = await whereInstalled(
    load,
    "The vault's policy or the token cannot be applied",
    "@agent-vault/runner",
    "Install it beside agent-vault.",
  );
  return authorizeRead("read")(...read);
};

async function whereInstalled<T>(load: () => Promise<T>, what: string, name: string, remedy: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new VaultError("LEDGER_UNAVAILABLE", `${what}: the package ${name} is not installed.`, {
      remedy,
      cause,
    });
  }
}

/** Whether a package is not there. */
function isMissing(error: unknown): boolean {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    (error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND")
  );
}
