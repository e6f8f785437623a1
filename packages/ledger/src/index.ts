export {
  AuditLog,
  type AuditEntry,
  type AuditFilter,
  type AuditSummary,
  type Completion,
  type PruneResult,
  type Tally,
} from "./audit-log.js";
export { followEntries } from "./follow.js";
export { csvLines, flatten, type FlatEntry } from "./audit-export.js";
export type { ChainFinding, ChainFindingKind, ChainReport } from "./audit-chain.js";
export type { AuditEvent, AuditRow, Head, Outcome } from "./audit-row.js";
export { engineVersion } from "./connection.js";
export { detectHarness, HARNESSES } from "./harness.js";
export { surroundingsOf, type Surroundings } from "./surroundings.js";
export { LedgerRecorder } from "./ledger-recorder.js";
export { openLedger, openLedgerAt } from "./open-ledger.js";
export { Ledger, type LedgerHealth, type LedgerOptions } from "./ledger.js";
export { readSettings, settingsFile, type LedgerSettings } from "./settings.js";
export { MetadataIndex, type IndexedAgent, type Refreshed } from "./metadata-index.js";
export { secretFinder, type SecretFinder } from "./secret-finder.js";
export { vaultStatus, type AuditStatus, type VaultStatus } from "./vault-status.js";
