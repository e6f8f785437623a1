export {
  ManifestError,
  NotAuthorizedError,
  SecretNotFoundError,
  VaultError,
  VaultNotFoundError,
  VerificationError,
  type ErrorCode,
} from "./errors.js";
export type { AgentInfo, SecretMetadata } from "./metadata.js";
export type { VaultOptions } from "./options.js";
export { Vault } from "./vault.js";
export type { SecretChange, Watch, WatchOptions } from "./watch.js";
