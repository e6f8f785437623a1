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
export { surroundingsOf, type Surroundings } from "./surroundings.js";
export { openUseRecord, type RecordedUse, type UseRecord } from "./use-record.js";
export { LedgerRecorder } from "./ledger-recorder.js";
export { openLedger, openLedgerAt } from "./open-ledger.js";
export { Ledger, type LedgerHealth, type LedgerOptions } from "./ledger.js";
export type { RevokedAll } from "./kill-switch.js";
export type { LeaseRecord, LeaseStore } from "./lease-store.js";
export { requesterOf, type Requester } from "./requester.js";
export type { SessionRecord } from "./session-row.js";
export type { NewSession, SessionStore } from "./session-store.js";
export type { NewToken, TokenRecord, TokenRoot } from "./token-row.js";
export type { TokenStore, UseLimit } from "./token-store.js";
export { readSettings, settingsFile, type LedgerSettings } from "./settings.js";
export { MetadataIndex, type IndexedAgent, type Refreshed } from "./metadata-index.js";
export { secretFinder, type SecretFinder } from "./secret-finder.js";
export { vaultStatus, type AuditStatus, type VaultStatus } from "./vault-status.js";
