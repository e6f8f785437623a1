export * from "./read-only.js";
export * from "./age/index.js";
export { agentsOf } from "./access.js";
export { check, type Finding, type FindingKind } from "./check.js";
export { Config, type Settings } from "./config.js";
export { VaultFolder, type FolderEntry } from "./folder.js";
export { GitRepository } from "./git.js";
export { listAgents, listSecrets, type AgentEntry, type SecretEntry } from "./list.js";
export { Manifest, type OwnerEntry } from "./manifest.js";
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
export { pushCommand } from "./push-command.js";
export { revoke, type RevokeRequest, type RevokeResult } from "./operations/revoke.js";
export { set, valueTooLarge, type SetRequest, type SetResult } from "./operations/set.js";
export { VaultState, type Owner } from "./vault-state.js";
