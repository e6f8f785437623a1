import { lazyRecorder, VaultError, type ReadAuthorizer, type Recorder } from "@agent-vault/vault/read-only";

/** Puts uses on record. @throws VaultError `LEDGER_UNAVAILABLE` with the first use where the package of the ledger was left out */
export const ledgerRecorder = (): Recorder =>
  lazyRecorder(() =>
    whereInstalled(
      async () => new (await import("@agent-vault/ledger")).LedgerRecorder("get"),
      "The use cannot be recorded",
      "@agent-vault/ledger",
      "Install it beside agent-vault, or set AGENT_VAULT_AUDIT=off to go without an audit log.",
    ),
  );

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
    if (!(cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND")) throw cause;
    throw new VaultError("LEDGER_UNAVAILABLE", `${what}: the package ${name} is not installed.`, {
      remedy,
      cause,
    });
  }
}
