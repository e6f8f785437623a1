import { POLICY_FILE } from "../format/layout.js";
import type { SignedLock } from "../lock/open-lock.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";
import { anchorsOf, type Anchors } from "./anchors.js";
import type { TrustContext } from "./trust-context.js";
import { readTrust, writeTrust, type TrustRecord } from "./trust-store.js";

/** What this machine knows of a vault before it looks at the vault's files. */
export interface Known {
  readonly anchors: Anchors;
  /** What was verified before, or what an agent's key file says of the state it was written at. */
  readonly memory: TrustRecord | undefined;
  /** Whether nothing was verified before. */
  readonly isFirst: boolean;
}

/**
 * What this machine knows of a vault. What was first accepted without a second check counts for nothing beside a real anchor.
 * @throws VaultError `INVALID_KEY`, `DAMAGED` for what lies outside the vault
 */
export function knownOf({ context, keys }: TrustContext, { lock }: SignedLock): Known {
  const anchors = anchorsOf(context, keys, lock);
  const memory = readTrust(context, lock.vault);
  const vouches = (trusted: readonly SshPublicKey[]) => anchors.keys.some((key) => trusted.includes(key));
  const isUsable = memory && (anchors.keys.length === 0 || vouches(memory.pinned) || (memory.pinned.length > 0 && vouches(memory.owners)));
  if (isUsable) return { anchors, memory, isFirst: false };
  const { seen } = anchors;
  return { anchors, memory: seen && { ...seen, pinned: [], owners: anchors.keys, remotes: {} }, isFirst: true };
}

/** Remembers a state that was verified, and read without finding anything wrong. */
export function recordAccepted(trust: TrustContext, signed: SignedLock, { anchors, memory }: Known): void {
  if (memory?.lock === signed.digest && anchors.keys.every((key) => memory.pinned.includes(key))) return;
  writeTrust(trust.context, signed.lock.vault, { ...learnt(signed, anchors, memory), remotes: memory?.remotes ?? {} });
}

/** Remembers a state that an owner has just made here. */
export function recordCreated(trust: TrustContext, signed: SignedLock): void {
  recordAccepted(trust, signed, knownOf(trust, signed));
}

/**
 * Remembers that a state lies on a remote: it was verified there, or pushed. The newest state of all stays the one that was read from
 * the work tree.
 * @param remote the remote's URL and branch
 */
export function recordOnRemote(trust: TrustContext, signed: SignedLock, remote: string): void {
  const { anchors, memory } = knownOf(trust, signed);
  const state: StateRef = { sequence: signed.lock.sequence, lock: signed.digest };
  if (memory?.remotes[remote]?.lock === state.lock) return;
  const known = memory ? { ...memory, pinned: pinnedBy(anchors, memory) } : learnt(signed, anchors, memory);
  writeTrust(trust.context, signed.lock.vault, { ...known, remotes: { ...memory?.remotes, [remote]: state } });
}

function learnt({ lock, digest }: SignedLock, anchors: Anchors, memory: TrustRecord | undefined): Omit<TrustRecord, "remotes"> {
  return {
    pinned: pinnedBy(anchors, memory),
    owners: lock.owners.map(({ key }) => key),
    policy: lock.files.has(POLICY_FILE),
    sequence: lock.sequence,
    lock: digest,
  };
}

function pinnedBy(anchors: Anchors, memory: TrustRecord | undefined): SshPublicKey[] {
  return [...new Set([...(memory?.pinned ?? []), ...anchors.keys])];
}
