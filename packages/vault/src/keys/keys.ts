import type { Identity } from "../age/identity.js";
import type { KeyComments } from "./key-comments.js";

/** Identities, where they came from, and what their file says of them. */
export interface Keys {
  readonly identities: readonly Identity[];
  /** Where they came from, as a message names it. */
  readonly source: string;
  readonly comments: KeyComments;
  /** Whether the key is an owner's whatever a vault says: its file is where an owner's key is, or says so. */
  readonly isOwners: boolean;
  /** Whether a passphrase was needed to read the key. */
  readonly isProtected: boolean;
}

/** Who uses the vault, as the key proves that opens its secrets; the environment proves nothing. */
export interface Principal {
  readonly role: "owner" | "agent" | "unknown";
  /** The name that the vault's signed state knows the key by; `undefined` where it knows none. */
  readonly name: string | undefined;
  /** The key's public part, `age1...`. */
  readonly identity: string;
}
