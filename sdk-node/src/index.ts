export {
  ManifestError,
  NotAuthorizedError,
  SecretNotFoundError,
  VaultError,
  VaultNotFoundError,
  VerificationError,
  type ErrorCode,
} from "./errors.js";
export { Vault, type AgentInfo, type SecretMetadata, type VaultOptions } from "./vault.js";
