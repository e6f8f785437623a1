/** What it takes to read secrets, and nothing more: this loads no YAML parser, no git and no age library until one is needed. */
export { decrypt, decryptWithPassphrase } from "./age/decrypt.js";
export type { Identity } from "./age/identity.js";
export type { Recipient } from "./age/recipient.js";
export { detectHarness, HARNESSES } from "./harness.js";
export { homeOf, processContext, resolvePath, type Context, type Progress } from "./context.js";
export { durationOf, formatDuration, parseDuration, parseTime } from "./duration.js";
export { EXIT_CODES, isSystemError, VaultError, writeError, type ErrorCode } from "./errors.js";
export { marksOf } from "./file-marks.js";
export { isJudged, presentedToken, type Judge, type JudgedRead } from "./judge.js";
export { agentKeyFile, identitiesAtHome, keysAtHand, loadKeys, ownerKeyFile, type KeyChoice, type Keys } from "./key-files.js";
export * from "./layout.js";
export { formatSecretPath, parseSecretPath, variableName, type SecretPath } from "./names.js";
export { nearest, suggestion } from "./nearest.js";
export { printable, printableJson } from "./printable.js";
export { pull, type PullOutcome } from "./pull.js";
export { OpenVault, openSecret, peekSecret, readSecret, type ReadOptions, type SecretValue } from "./read.js";
export { closeGap, ledgerFolder, noRecord, readGap, type Gap } from "./gap.js";
export { holderOf, type Holder } from "./holder.js";
export {
  actorOf,
  failureInWords,
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
} from "./record.js";
export { parseRepositoryUrl, withAuthorization, type RepositoryUrl } from "./repository-url.js";
export { secretAttributes, type SecretAttributes } from "./secret-attributes.js";
export { namingFiles } from "./trust/naming-files.js";
export { recoverVault } from "./recovery.js";
export { shellWord } from "./shell-word.js";
export { digestOf, type Digest } from "./trust/digest.js";
export type { AuditAnchor } from "./trust/lock.js";
export { vaultIdIn } from "./trust/open-lock.js";
export type { SshPublicKey } from "./trust/ssh-signature.js";
export { VaultTrust, isVerificationError } from "./trust/vault-trust.js";
export { verifiedFiles } from "./verified-files.js";
export { findVault, VaultFiles } from "./vault-files.js";
