export {
  AuditLog,
  type AuditEntry,
  type AuditFilter,
  type AuditSummary,
  type Completion,
  type PruneResult,
  type Tally,
} from "./audit-log.js";
export type { ChainFinding, ChainFindingKind, ChainReport } from "./audit-chain.js";
export type { AuditEvent, AuditRow, Head, Outcome } from "./audit-row.js";
export { detectHarness } from "./harness.js";
export { surroundingsOf, type Surroundings } from "./surroundings.js";
export { LedgerRecorder } from "./ledger-recorder.js";
export { openLedger } from "./open-ledger.js";
export { Ledger, type LedgerHealth, type LedgerOptions } from "./ledger.js";
export type { RevokedAll } from "./kill-switch.js";
export type { LeaseRecord, LeaseStore } from "./lease-store.js";
export { requesterOf, type Requester } from "./requester.js";
export type { SessionRecord } from "./session-row.js";
export type { NewSession, SessionStore } from "./session-store.js";
export type { NewToken, TokenRecord, TokenRoot } from "./token-row.js";
export type { TokenStore, UseLimit } from "./token-store.js";
export { readSettings, settingsFile, type LedgerSettings } from "./settings.js";
export {
  MetadataIndex,
  SORT_KEYS,
  type IndexedAgent,
  type IndexedSecret,
  type Refreshed,
  type SecretPage,
  type SecretQuery,
  type SortKey,
} from "./metadata-index.js";
