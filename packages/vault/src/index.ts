export * from "./read-only.js";
export * from "./age/index.js";
export { describeDifference } from "./difference/describe.js";
export { differenceBetween, type Difference } from "./difference/difference.js";
export type { Change, ChangeKind } from "./difference/change.js";
export type { FileDifference } from "./difference/line-difference.js";
export { agentsOf } from "./format/access.js";
export { check, checkKeyFiles } from "./inspect/check.js";
export { locateClone, type CloneRequest } from "./reading/locate-clone.js";
export { cloneOf, existingCloneOf, healClone } from "./sync/clone.js";
export { Config, type Settings } from "./format/config.js";
export { FINDINGS, type Finding, type FindingKind } from "./inspect/finding.js";
export { GitRepository } from "./git/repository.js";
export { listAgents, listSecrets, type AgentEntry, type SecretEntry } from "./reading/list.js";
export { Manifest, type OwnerEntry } from "./format/manifest.js";
export { agentNotFound, groupNotFound } from "./format/not-found.js";
export { ACCESS_LEVELS, parseExpiry, parseMetadata, rotationDue, type Attributes, type Metadata } from "./format/metadata.js";
export { defaultGroupOf, parseAgentName, parseGroupName } from "./format/names.js";
export { addAgent } from "./operations/agents/add.js";
export type { AgentKeyResult, AgentLoss, AgentRequest } from "./operations/agents/agent.js";
export { recoverAgent } from "./operations/agents/recover.js";
export { removeAgent } from "./operations/agents/remove.js";
export { restoreAgent, type RestoredKey } from "./operations/agents/restore.js";
export type { ChangeRequest } from "./change/signed-change.js";
export { deleteSecret, type DeleteRequest, type DeleteResult } from "./operations/delete.js";
export { grant, type GrantRequest, type GrantResult, type Target } from "./operations/grant.js";
export { init, type InitRequest, type InitResult } from "./operations/init.js";
export { move, type MoveRequest, type MoveResult } from "./operations/move.js";
export { addOwner, type AddOwnerRequest, type AddOwnerResult } from "./operations/owners/add.js";
export { allowedSigners, listOwners, type OwnerDetails } from "./operations/owners/list.js";
export { ownerKeys, type OwnerKeys } from "./operations/owners/owner-keys.js";
export type { OwnersChange } from "./operations/owners/recovered-agents.js";
export { removeOwner, type RemoveOwnerRequest } from "./operations/owners/remove.js";
export { rotateOwner, type RotateOwnerRequest, type RotateOwnerResult } from "./operations/owners/rotate.js";
export { provenWriter } from "./operations/agents/proven-writer.js";
export { openAuditWriter } from "./audit/audit-writer.js";
export { SegmentDamagedError, SegmentReader, type SegmentRow } from "./spool/read-segment.js";
export type { OpenedHeader } from "./spool/segment-header.js";
export { rowReference, type SpoolRow } from "./spool/spool-row.js";
export { pushCommand } from "./sync/push-command.js";
export { revoke, type RevokeRequest, type RevokeResult } from "./operations/revoke.js";
export { openState, openStateSync } from "./reading/open-state.js";
export {
  anchorRecord,
  availableOwner,
  renew,
  sign,
  type RenewRequest,
  type SignProposal,
  type SignRequest,
  type SignResult,
} from "./operations/sign.js";
export {
  querySecrets,
  readMetadata,
  searchText,
  SORT_KEYS,
  sortValue,
  type FoundSecret,
  type SecretPage,
  type SecretQuery,
  type SortKey,
} from "./reading/secret-query.js";
export { valueTooLarge } from "./operations/secret-update.js";
export { set, type SetRequest, type SetResult } from "./operations/set.js";
export { effectOfSetting, setMany, type Effect, type SecretWithValue, type SetManyRequest } from "./operations/set-many.js";
export { SigningKey } from "./keys/signing-key.js";
export { machineId, processStart } from "./disk/process-alive.js";
export { claimsIn } from "./disk/write-lock.js";
export { branchName } from "./git/full-ref.js";
export { changeFolder } from "./git/git-folders.js";
export { forgetRemote } from "./trust/forget.js";
export { memoryFile, memoryFolder, readMemory } from "./trust/memory-store.js";
export { allStates, type Memory } from "./trust/memory.js";
export { fingerprint, isSignatureOf, parseSignature } from "./lock/ssh-signature.js";
export { DivergedError, type Divergence } from "./sync/divergence.js";
export {
  cloneStatus,
  lastSignedState,
  waitingMerge,
  type CloneStatus,
  type UpstreamDistance,
  type WaitingMerge,
} from "./sync/clone-status.js";
export { describeWidening } from "./sync/widening.js";
export { finishInHook, type HookFinish } from "./operations/sync/finish-in-hook.js";
export { sync, type SyncReport, type SyncRequest } from "./operations/sync/sync.js";
export { MergeConflictError, type MergeAnswers, type MergeReport, type MergeReview, type ReviewedSide } from "./change/merge-review.js";
export type { MergeNote, Question } from "./merge/questions.js";
export type { SyncOptions, SyncResult } from "./sync/sync.js";
export { VaultState, type Owner } from "./files/vault-state.js";
export { verificationError, verify, type Verification, type VerifyOptions } from "./inspect/verify.js";
export type { Comparison } from "./inspect/comparison.js";
export { verificationMarkdown } from "./inspect/as-markdown.js";
export { verificationSarif } from "./inspect/as-sarif.js";
