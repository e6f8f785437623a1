import { generateIdentity, type Identity } from "#vault/age/identity.js";
import { parseRecipient, type RecipientKind, type Recipient } from "#vault/age/recipient.js";

export interface Key {
  readonly identity: Identity;
  readonly recipient: Recipient;
}

/** A new identity with its recipient. */
export async function newKey(kind: RecipientKind = "x25519"): Promise<Key> {
  const identity = await generateIdentity(kind);
  return { identity, recipient: parseRecipient(await identity.recipient()) };
}

export async function newKeys(count: number, kind: RecipientKind = "x25519"): Promise<Key[]> {
  return Promise.all(Array.from({ length: count }, () => newKey(kind)));
}
