import { generateIdentity, type Identity } from "#vault/age/identity.js";
import { parseRecipient, type KeyKind, type Recipient } from "#vault/age/recipient.js";

export interface Key {
  readonly identity: Identity;
  readonly recipient: Recipient;
}

/** A new identity with its recipient. */
export async function newKey(kind: KeyKind = "x25519"): Promise<Key> {
  const identity = await generateIdentity(kind);
  return { identity, recipient: parseRecipient(await identity.recipient()) };
}

export async function newKeys(count: number, kind: KeyKind = "x25519"): Promise<Key[]> {
  return Promise.all(Array.from({ length: count }, () => newKey(kind)));
}
