import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { Identity } from "../age/identity.js";
import type { Keys } from "./find-key.js";
import { formatSshPublicKey, signMessage, type SshPublicKey } from "../lock/ssh-signature.js";

const INFO = "agent-vault/v1/owner-signing";
/** DER of a PKCS #8 Ed25519 key, up to its 32 secret bytes (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * The key with which an owner signs the states of one vault. It is derived from the owner's age identity and the vault's id by
 * HKDF-SHA-256 (RFC 5869), so that there is one key to back up, and its holder recognizes a forged vault.
 */
export class SigningKey {
  readonly publicKey: SshPublicKey;
  readonly #privateKey: KeyObject;

  constructor(identity: Identity, vaultId: string) {
    const seed = identity.deriveKey(INFO, vaultId);
    this.#privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#privateKey).export({ format: "der", type: "spki" });
    this.publicKey = formatSshPublicKey(spki.subarray(-32));
  }

  /** An armored SSH signature. */
  sign(message: Uint8Array): Uint8Array {
    return signMessage(message, this.#privateKey, this.publicKey);
  }
}

/** The keys with which these identities would sign the states of a vault. Each is an owner's only where a lock names it. */
export function derivedKeys(keys: Keys | undefined, vaultId: string): SshPublicKey[] {
  return (keys?.identities ?? []).map((identity) => new SigningKey(identity, vaultId).publicKey);
}
