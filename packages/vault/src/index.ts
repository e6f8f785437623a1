export * from "./read-only.js";
export * from "./age/index.js";
export { accessDifference, describeDifference, type AccessDifference } from "./access-difference.js";
export { agentsOf } from "./access.js";
export { check, checkKeyFiles } from "./check.js";
export { cloneOf, existingCloneOf } from "./clone.js";
export { Config, type Settings } from "./config.js";
export { FINDINGS, type Finding, type FindingKind } from "./finding.js";
export { VaultFolder, type FileEntry, type FileSource } from "./folder.js";
export { GitRepository } from "./git.js";
export { listAgents, listSecrets, type AgentEntry, type SecretEntry } from "./list.js";
export { agentNotFound, groupNotFound, Manifest, type OwnerEntry } from "./manifest.js";
export { ACCESS_LEVELS, parseExpiry, parseMetadata, rotationDue, type Attributes, type Metadata } from "./metadata.js";
export { defaultGroupOf, parseAgentName, parseGroupName } from "./names.js";
export {
  addAgent,
  recoverAgent,
  removeAgent,
  restoreAgent,
  type AgentKeyResult,
  type AgentLoss,
  type AgentRequest,
} from "./operations/agents.js";
export type { ChangeRequest } from "./operations/change.js";
export { deleteSecret, type DeleteRequest, type DeleteResult } from "./operations/delete.js";
export { grant, type GrantRequest, type GrantResult, type Target } from "./operations/grant.js";
export { init, type InitRequest, type InitResult } from "./operations/init.js";
export { move, type MoveRequest, type MoveResult } from "./operations/move.js";
export {
  addOwner,
  allowedSigners,
  listOwners,
  ownerKeys,
  removeOwner,
  rotateOwner,
  type AddOwnerRequest,
  type AddOwnerResult,
  type OwnerDetails,
  type OwnerKeys,
  type OwnersChange,
  type RemoveOwnerRequest,
  type RotateOwnerRequest,
  type RotateOwnerResult,
} from "./operations/owners.js";
export { upstreamDistance, type UpstreamDistance } from "./pull.js";
export { pushCommand } from "./push-command.js";
export { revoke, type RevokeRequest, type RevokeResult } from "./operations/revoke.js";
export { openState, openStateNow, openTrusted } from "./open-state.js";
export {
  anchorRecord,
  ownerAtHand,
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
} from "./secret-query.js";
export { set, valueTooLarge, type SetRequest, type SetResult } from "./operations/set.js";
export { SigningKey } from "./trust/signing-key.js";
export { readTrust, trustFile } from "./trust/trust-memory.js";
export { fingerprint, isSignatureOf, parseSignature } from "./trust/ssh-signature.js";
export { DivergedError, sync, type Divergence, type SyncOptions, type SyncResult } from "./sync.js";
export { VaultState, type Owner } from "./vault-state.js";
export { verificationError, verify, type Comparison, type Verification, type VerifyOptions } from "./verify.js";
export { verificationMarkdown } from "./verify-markdown.js";
export { verificationSarif } from "./verify-sarif.js";
