import { existsSync } from "node:fs";
import { openLedgerAt, settingsFile } from "@agent-vault/ledger";
import {
  plural,
  recordVault,
  spoolFiles,
  usesLedger,
  VaultError,
  readUnrecordedPeriod,
  VaultFolder,
  vaultIdIn,
  type Context,
  type KeyChoice,
} from "@agent-vault/vault";
import { formatEntries } from "../audit-entries.js";
import { diagnose, ok, warning, type Diagnosis } from "./diagnosis.js";

/** A larger ledger is worth pruning. */
const LARGE_LEDGER_BYTES = 512 * 2 ** 20;

/** The database with the audit log, tokens and index. */
export async function examineLedger(context: Context, root: string, key: KeyChoice): Promise<Diagnosis> {
  const { segments, damaged } = spoolFiles(context, recordVault({ root, vault: vaultIdIn(new VaultFolder(root)) }));
  if (!usesLedger(context)) return ok("ledger", `It is not in use.${waiting(segments.length)}`);
  try {
    const ledger = await openLedgerAt({ ...context, passphrase: undefined }, root, key);
    const { file, bytes, auditRows, indexedSecrets, schema, cipher, setAside, key: keySource } = await ledger.health();
    const parts = [
      formatSize(bytes),
      `${formatEntries(auditRows)} in the audit log`,
      `${plural(indexedSecrets, "secret")} indexed`,
      `schema ${schema}`,
      cipher,
      `key from ${keySource}`,
    ];
    const message = `${file}: ${parts.join(", ")}.${waiting(segments.length)}`;
    if (damaged.length > 0)
      return warning(
        "ledger",
        `${message} Changed and set aside: ${damaged.join(", ")}.`,
        "Find out who changed them, then move them away.",
      );
    const unrecorded = readUnrecordedPeriod(context, vaultIdIn(new VaultFolder(root)) ?? "");
    if (unrecorded) {
      const off = `The audit log was off for ${plural(unrecorded.count, "use")} since ${unrecorded.since}.`;
      return warning("ledger", `${message} ${off}`, "The next use records that.");
    }
    if (setAside.length > 0) {
      return warning(
        "ledger",
        `${message} Damaged and set aside: ${setAside.join(", ")}.`,
        "Find out why (a failing disk, a copy made while in use), then move them away.",
      );
    }
    if (bytes > LARGE_LEDGER_BYTES) {
      return warning("ledger", message, "Export old entries with agent-vault audit export, then delete them with agent-vault audit prune.");
    }
    return ok("ledger", existsSync(settingsFile(context)) ? `${message} Settings are read from ${settingsFile(context)}.` : message);
  } catch (failure) {
    if (failure instanceof VaultError && failure.code === "LEDGER_UNAVAILABLE")
      return warning("ledger", `There is no database here.${waiting(segments.length)}`, failure.remedy ?? "");
    return diagnose("ledger", failure);
  }
}

/** Segments that were not taken in yet. */
function waiting(segments: number): string {
  return segments === 0 ? "" : ` Its spool has ${plural(segments, "segment")}, which agent-vault audit takes in.`;
}

function formatSize(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}
