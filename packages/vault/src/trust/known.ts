import { POLICY_FILE } from "../format/layout.js";
import type { SignedLock } from "../lock/open-lock.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import { anchorsOf, type Anchors } from "./anchors.js";
import { allStates, type Memory, type SeenState } from "./memory.js";
import { readMemory } from "./memory-store.js";
import type { TrustContext } from "./trust-context.js";

/** What this machine knows of a vault before it looks at the vault's files. */
export interface Known {
  readonly anchors: Anchors;
  /** What was verified before; `undefined` for nothing, or nothing that counts beside a real anchor. */
  readonly memory: Memory | undefined;
}

/**
 * What this machine knows of a vault. What was first accepted without a second check counts for nothing beside a real anchor.
 * @throws VaultError `INVALID_KEY`, `DAMAGED` for what lies outside the vault
 */
export function knownOf({ context, keys }: TrustContext, { lock }: SignedLock): Known {
  const anchors = anchorsOf(context, keys, lock);
  const memory = readMemory(context, lock.vault);
  if (!memory || anchors.keys.length === 0) return { anchors, memory };
  const vouches = (trusted: readonly SshPublicKey[]) => anchors.keys.some((key) => trusted.includes(key));
  const isUsable = vouches(memory.pinned) || (memory.pinned.length > 0 && allStates(memory).some(({ owners }) => vouches(owners)));
  return { anchors, memory: isUsable ? memory : undefined };
}

/** A state as it is remembered. */
export function seenState({ lock, digest }: SignedLock): SeenState {
  return { sequence: lock.sequence, lock: digest, owners: lock.owners.map(({ key }) => key), policy: lock.files.has(POLICY_FILE) };
}
