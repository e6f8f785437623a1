import { parseAgentName, parseOwnerName, parseSecretPath, type SecretPath } from "./names.js";

/** The folder of a vault, at the root of a repository or in any folder of it. */
export const VAULT_FOLDER = ".agent-vault";

/** Files of a vault, as paths relative to its folder with `/` on every platform. */
export const CONFIG_FILE = "config.yaml";
/** Owners, agents, groups and grants. */
export const MANIFEST_FILE = "manifest.yaml";
/** The optional rules that decide on each use of a secret. */
export const POLICY_FILE = "policy.yaml";
/** The public keys of the vault's first owner. */
export const FIRST_OWNER_FILE = "owner.pub";
/** The signed list of the digests of the vault's files: one state of the vault. */
export const LOCK_FILE = "vault.lock";
/** The SSH signature of the lock. */
export const LOCK_SIGNATURE_FILE = "vault.lock.sig";
/** The states behind the present one, as a list of their locks' digests. */
export const STATES_FILE = "vault.states";
/** The locks of the states that changed who may sign, each with its signature. */
export const SIGNERS_FOLDER = "signers";
/** Values that were replaced, or not chosen where two sides set one secret, encrypted to the owners alone. */
export const VERSIONS_FOLDER = "versions";
/** What agents that left may have seen. No release writes it yet. */
export const EXPOSURES_FILE = "exposures.yaml";
/** What git must not track in the vault's folder. */
export const GITIGNORE_FILE = ".gitignore";
/** Keeps git from changing any byte of the vault's files, and from merging encrypted ones. */
export const GITATTRIBUTES_FILE = ".gitattributes";

/** Where a secret's encrypted value is, relative to the vault's folder. */
export const secretFile = (path: SecretPath): string => `secrets/${path}.enc`;
/** Where a secret's metadata is, in plain text, relative to the vault's folder. */
export const metadataFile = (path: SecretPath): string => `secrets/${path}.meta`;
/** Where an agent's age recipient is, relative to the vault's folder. */
export const publicKeyFile = (agent: string): string => `agents/${agent}/public.key`;
/** Where an agent's key is, encrypted to the owners, relative to the vault's folder. */
export const escrowFile = (agent: string): string => `agents/${agent}/private.key.escrow`;
/** Where a further owner's public keys are, relative to the vault's folder. */
export const ownerFile = (name: string): string => `owners/${name}.pub`;
/** Where the lock of a state that changed who may sign is, relative to the vault's folder. @param digest the lock's, without `sha256:` */
export const signerLockFile = (digest: string): string => `${SIGNERS_FOLDER}/${digest}.lock`;
/** Where the signature of that lock is, relative to the vault's folder. */
export const signerSignatureFile = (digest: string): string => `${SIGNERS_FOLDER}/${digest}.sig`;

/** Where a value is kept that another one took the place of. @param state the digest of the state that held it */
export const versionFile = (path: SecretPath, version: number, state: string): string =>
  `${VERSIONS_FOLDER}/${path}/${version}-${state.slice("sha256:".length, "sha256:".length + 8)}.enc`;

/** The files and folders that later versions of the layout have added. `signed_files` in `config.yaml` vouches for them, and not the lock's own lists. */
export const ADDED_ENTRIES = [EXPOSURES_FILE, SIGNERS_FOLDER, STATES_FILE, VERSIONS_FOLDER] as const;
/** A file or folder of {@link ADDED_ENTRIES}. */
export type AddedEntry = (typeof ADDED_ENTRIES)[number];

/** What a file below the vault's folder is, by its path. */
export type VaultFile =
  | { kind: "secret"; path: SecretPath }
  | { kind: "metadata"; path: SecretPath }
  | { kind: "public-key"; agent: string }
  | { kind: "escrow"; agent: string }
  | { kind: "owner"; name: string | undefined }
  | { kind: "yaml"; file: string }
  | { kind: "signature"; file: string }
  | { kind: "git"; file: string }
  | { kind: "added"; entry: AddedEntry; path?: SecretPath /* of a kept version's secret */ }
  | { kind: "stray" };

const STRAY: VaultFile = { kind: "stray" };

/**
 * Tells what belongs at a path of the layout, version 1, and of what was added to it.
 * @param file relative to the vault's folder, with `/`.
 */
export function classify(file: string): VaultFile {
  switch (file) {
    case CONFIG_FILE:
    case MANIFEST_FILE:
    case POLICY_FILE:
      return { kind: "yaml", file };
    case LOCK_FILE:
    case LOCK_SIGNATURE_FILE:
      return { kind: "signature", file };
    case GITIGNORE_FILE:
    case GITATTRIBUTES_FILE:
      return { kind: "git", file };
    case FIRST_OWNER_FILE:
      return { kind: "owner", name: undefined };
    case STATES_FILE:
    case EXPOSURES_FILE:
      return { kind: "added", entry: file };
  }
  if (/^signers\/[0-9a-f]{64}\.(?:lock|sig)$/.test(file)) return { kind: "added", entry: SIGNERS_FOLDER };
  try {
    const secret = /^secrets\/(.+\/.+)\.(enc|meta)$/.exec(file);
    if (secret) return { kind: secret[2] === "enc" ? "secret" : "metadata", path: parseSecretPath(secret[1]!) };
    const agent = /^agents\/([^/]+)\/(public\.key|private\.key\.escrow)$/.exec(file);
    if (agent) return { kind: agent[2] === "public.key" ? "public-key" : "escrow", agent: parseAgentName(agent[1]!) };
    const owner = /^owners\/([^/]+)\.pub$/.exec(file);
    if (owner) return { kind: "owner", name: parseOwnerName(owner[1]!) };
    const version = /^versions\/(.+\/.+)\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.enc$/.exec(file);
    if (version) return { kind: "added", entry: VERSIONS_FOLDER, path: parseSecretPath(version[1]!) };
  } catch {
    return STRAY;
  }
  return STRAY;
}
