export {
  AuditLog,
  type AuditEntry,
  type AuditFilter,
  type AuditSummary,
  type Completion,
  type PruneResult,
  type Tally,
} from "./audit/log.js";
export { followEntries } from "./audit/follow.js";
export { csvLines, flatten, type FlatEntry } from "./audit/export.js";
export type { ChainFinding, ChainFindingKind, ChainReport } from "./audit/chain.js";
export type { AuditEvent, AuditRow, AuditHead, Outcome } from "./audit/row.js";
export { engineVersion } from "./database/connection.js";
export { invocationContext, type InvocationContext } from "./recorder/invocation-context.js";
export { openUseRecord, type RecordedUse, type UseRecord } from "./recorder/use-record.js";
export { LedgerRecorder } from "./recorder/ledger-recorder.js";
export { openLedger, openLedgerAt } from "./open-ledger.js";
export { Ledger, type LedgerHealth, type LedgerOptions } from "./ledger.js";
export type { RevokedAll } from "./tokens/revoke-all.js";
export type { LeaseRecord, LeaseStore } from "./sessions/lease-store.js";
export { requesterOf, type Requester } from "./recorder/requester.js";
export type { SessionRecord } from "./sessions/session-row.js";
export type { NewSession, SessionStore } from "./sessions/session-store.js";
export type { NewToken, TokenRecord, TokenRoot } from "./tokens/token-row.js";
export type { TokenStore, UseLimit } from "./tokens/token-store.js";
export { readSettings, settingsFile, type LedgerSettings } from "./settings.js";
export { MetadataIndex, type IndexedAgent, type Refreshed } from "./index/metadata-index.js";
export { secretSearch, type SecretSearch } from "./queries/secret-search.js";
export { vaultStatus, type AuditStatus, type VaultStatus } from "./queries/vault-status.js";
