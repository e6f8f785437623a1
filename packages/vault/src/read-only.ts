/** What it takes to read secrets, and nothing more: this loads no YAML parser, no git and no age library until one is needed. */
export { decrypt, decryptWithPassphrase } from "./age/decrypt.js";
export type { Identity } from "./age/identity.js";
export type { Recipient } from "./age/recipient.js";
export { detectHarness, HARNESSES } from "./harness.js";
export { oneAtATime } from "./one-at-a-time.js";
export { homeOf, processContext, resolvePath, type Context, type Progress } from "./context.js";
export { DAY_MS, durationOf, formatDuration, HOUR_MS, parseDuration, parseTime } from "./text/duration.js";
export {
  ERROR_CODES,
  exitCodeOf,
  isSystemError,
  isVerificationError,
  VaultError,
  writeError,
  type ErrorCode,
  type ErrorKind,
} from "./errors.js";
export { createFile, replaceFile, type AtomicWriteOptions } from "./disk/atomic-file.js";
export { isProcessAlive, processStatus } from "./disk/process-alive.js";
export { statFingerprint } from "./disk/stat-fingerprint.js";
export { needsAuthorization, presentedToken, type ReadAuthorizer, type ReadRequest } from "./record/authorize-read.js";
export { identitiesInHome, findKeys, loadKeys, locateKey, type KeyChoice, type Keys } from "./keys/find-key.js";
export { unattendedPassphrase } from "./keys/passphrase.js";
export { agentKeyFile, ownerKeyFile } from "./keys/key-file.js";
export * from "./format/layout.js";
export { formatSecretPath, parseSecretPath, variableName, type SecretPath } from "./format/names.js";
export { andMore, plural } from "./text/counts.js";
export { nearestName, suggestion } from "./text/did-you-mean.js";
export { hideCredentials, holdsKey, withoutCredentials } from "./text/credentials.js";
export { printable, printableJson } from "./text/printable.js";
export { readingFingerprint } from "./sync/fetch-record.js";
export { fetchStates, type FetchOptions } from "./sync/fetch-states.js";
export type { FetchOutcome } from "./sync/fetch-outcome.js";
export { openSecret, peekSecret, readSecret, SecretReader, type ReadOptions, type SecretValue } from "./reading/read-secrets.js";
export {
  clearUnrecordedPeriod,
  ledgerFolder,
  disabledRecorder,
  readUnrecordedPeriod,
  type UnrecordedPeriod,
} from "./record/unrecorded-uses.js";
export { requireNotRemoved } from "./keys/require-not-removed.js";
export { identifyPrincipal, type Principal } from "./keys/principal.js";
export {
  actorOf,
  formatFailure,
  failureOutcome,
  onRecord,
  isAuditOff,
  lazyRecorder,
  recordFailure,
  type Recorder,
} from "./record/on-record.js";
export { tidyEvent, type AuditEvent, type Outcome } from "./record/audit-event.js";
export { invocationContext, type InvocationContext } from "./record/invocation-context.js";
export { requesterOf, type Requester } from "./record/requester.js";
export type { Actor, BegunChange, RecordedChange, RecordedEvent } from "./record/recorder.js";
export { auditSink, requireAllowedSink, usesLedger, type AuditSink, type AuditSinkKind } from "./audit/audit-sink.js";
export { chooseRecorder, notRecorded, sinkRecorder } from "./audit/choose-recorder.js";
export { recordVault } from "./audit/record-vault.js";
export type { AuditWriter } from "./audit/audit-writer.js";
export {
  closedName,
  damagedName,
  isSegmentName,
  knownSpoolMachine,
  requirePrivateFolder,
  spoolFiles,
  spoolFolder,
  type SpoolFiles,
} from "./spool/spool-folder.js";
export { isExecutable } from "./disk/executable.js";
export { findGitFolders, symbolicHead, type GitFolders } from "./git/git-folders.js";
export { parseRepositoryUrl, type RepositoryUrl } from "./git/remote-url.js";
export { isProduction, secretAttributes, type SecretAttributes } from "./format/secret-attributes.js";
export { recoverVault } from "./change/recovery.js";
export { shellQuote, shellWord } from "./text/shell-word.js";
export { decodeUtf8, decodeUtf8File } from "./text/utf8.js";
export { digestOf, type Digest } from "./lock/digest.js";
export type { AuditAnchor } from "./lock/lock.js";
export { vaultIdIn } from "./lock/open-lock.js";
export type { SshPublicKey } from "./lock/ssh-signature.js";
export { harnessAgentIn, loadKeysForUse, type UseKeys } from "./reading/keys-for-use.js";
export { openVault, type Need, type OpenedVault, type OpenRequest } from "./reading/open-vault.js";
export { agentKeyFileOf, findVaultKeys, loadVaultKeys, locateVaultKey } from "./keys/vault-keys.js";
export type { FileEntry, FileSource } from "./format/file-source.js";
export { notePushed, unsignedMergesPushed } from "./trust/note-pushed.js";
export { VaultFolder } from "./files/vault-folder.js";
export { findVault, VaultFiles } from "./files/vault-files.js";
