/** What it takes to read secrets, and nothing more: this loads no YAML parser, no git and no age library until one is needed. */
export { decrypt, decryptWithPassphrase } from "./age/decrypt.js";
export type { Identity } from "./age/identity.js";
export type { Recipient } from "./age/recipient.js";
export { detectHarness, HARNESSES } from "./harness.js";
export { homeOf, processContext, resolvePath, type Context, type Progress } from "./context.js";
export { durationOf, formatDuration, parseDuration, parseTime } from "./text/duration.js";
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
export { statFingerprint } from "./disk/stat-fingerprint.js";
export { needsAuthorization, presentedToken, type ReadAuthorizer, type ReadRequest } from "./record/authorize-read.js";
export { agentKeyFile, identitiesInHome, findKeys, loadKeys, ownerKeyFile, type KeyChoice, type Keys } from "./keys/key-files.js";
export * from "./format/layout.js";
export { formatSecretPath, parseSecretPath, variableName, type SecretPath } from "./format/names.js";
export { nearestName, suggestion } from "./text/did-you-mean.js";
export { printable, printableJson } from "./text/printable.js";
export { pull, type PullOutcome } from "./sync/pull.js";
export { OpenVault, openSecret, peekSecret, readSecret, type ReadOptions, type SecretValue } from "./reading/read-secrets.js";
export {
  clearUnrecordedPeriod,
  ledgerFolder,
  disabledRecorder,
  readUnrecordedPeriod,
  type UnrecordedPeriod,
} from "./record/unrecorded-uses.js";
export { identifyPrincipal, type Principal } from "./keys/principal.js";
export {
  actorOf,
  formatFailure,
  failureOutcome,
  onRecord,
  type RecordedChange,
  isAuditOff,
  lazyRecorder,
  recordFailure,
  type Actor,
  type BegunChange,
  type RecordedEvent,
  type Recorder,
} from "./record/recorder.js";
export { parseRepositoryUrl, withAuthorization, type RepositoryUrl } from "./git/repository-url.js";
export { secretAttributes, type SecretAttributes } from "./format/secret-attributes.js";
export { withTamperedFileNames } from "./trust/tampered-file-names.js";
export { recoverVault } from "./change/recovery.js";
export { shellWord } from "./text/shell-word.js";
export { digestOf, type Digest } from "./lock/digest.js";
export type { AuditAnchor } from "./lock/lock.js";
export { vaultIdIn } from "./lock/open-lock.js";
export type { SshPublicKey } from "./lock/ssh-signature.js";
export { VaultTrust } from "./trust/vault-trust.js";
export { readConsistently } from "./reading/read-consistently.js";
export { findVault, VaultFiles } from "./files/vault-files.js";
