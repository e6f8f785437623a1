import type { Lock } from "../lock/lock.js";
import type { SignedLock } from "../lock/open-lock.js";
import { derivedKeys } from "../keys/signing-key.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";
import { behindRemote, expired, forked, inflated, rollback } from "./errors.js";
import type { Known } from "./known.js";
import type { TrustContext } from "./trust-context.js";
import type { TrustRecord } from "./trust-store.js";

/** No vault changes so often that its sequence grows by more than this. */
export const MAX_SEQUENCE_STEP = 2 ** 32;

/** Whether someone with an owner's key set the sequence so high that true updates would look old. */
export function hasInflatedSequence({ sequence }: Pick<Lock, "sequence">): boolean {
  return sequence > MAX_SEQUENCE_STEP;
}

/** Where a state is in time, seen from another one. */
export type StateOrder = "same" | "newer" | "older" | "fork" | "inflated";

/** Compares a state with one that was seen. @param owners who may sign what follows the newest state that was seen */
export function compareStates(trust: TrustContext, signed: SignedLock, seen: StateRef, owners: readonly SshPublicKey[]): StateOrder {
  if (signed.digest === seen.lock) return "same";
  const step = signed.lock.sequence - seen.sequence;
  if (step > MAX_SEQUENCE_STEP) return "inflated";
  if (step > 0 && owners.includes(signed.signer)) return "newer";
  // Sequences start again where a signing key was replaced, and then the states themselves say which came first.
  if (trust.history.leadsBack(signed, ({ digest }) => digest === seen.lock)) return "newer";
  return step === 0 ? "fork" : "older";
}

/**
 * Compares the state of the work tree with the newest one that this machine has seen.
 * @returns whether it is an older one that the person wants to look at; anything else that is not newer is an error
 * @throws VaultError `ROLLBACK`, `FORKED`
 */
export function isOlderThanRemembered(trust: TrustContext, signed: SignedLock, { memory }: Pick<Known, "memory">): boolean {
  if (!memory) return false;
  const order = compareStates(trust, signed, memory, memory.owners);
  if (order === "same" || order === "newer") return false;
  if (order === "inflated") throw inflated(signed, memory);
  if (order === "fork") {
    if (!isOwnState(trust, signed)) throw forked(signed);
    trust.warn(
      "forked",
      `Another clone of yours has made another state ${signed.lock.sequence} of this vault.`,
      "Bring the two together before you push.",
    );
    return false;
  }
  if (trust.isStrict || wasCommittedOnTop(trust, signed, memory)) throw rollback(signed, memory);
  trust.warn(
    "rollback",
    `This is state ${signed.lock.sequence} of the vault, and state ${memory.sequence} was seen before: what was revoked or replaced since is undone here.`,
    "Go back to the newest state when you are done here.",
  );
  return true;
}

/** @throws VaultError `ROLLBACK`, `FORKED` where a state is not at or after one that was seen where it comes from */
export function requireNotOlderThan(trust: TrustContext, signed: SignedLock, seen: StateRef, { owners }: TrustRecord): void {
  const order = compareStates(trust, signed, seen, owners);
  if (order === "older") throw rollback(signed, seen);
  if (order === "fork") throw forked(signed);
  if (order === "inflated") throw inflated(signed, seen);
}

/** Refuses a state where the commit that is checked out has a later one behind it. @throws VaultError `ROLLBACK` */
export function refuseSuperseded(trust: TrustContext, signed: SignedLock): void {
  const newer = trust.history.findNewerState(signed);
  if (newer) throw rollback(signed, { sequence: newer.lock.sequence, lock: newer.digest });
}

/** Refuses to go on from a state that is older than what a remote was seen to have. @throws VaultError `ROLLBACK` */
export function requireNotBehindRemote(trust: TrustContext, signed: SignedLock, { memory }: Known): void {
  const newer = Object.values(memory?.remotes ?? {}).find(
    (state) => state.sequence > signed.lock.sequence && compareStates(trust, signed, state, memory!.owners) !== "newer",
  );
  if (newer) throw behindRemote(signed, newer);
}

/** Refuses a state whose time is over, in strict mode; otherwise warns. @throws VaultError `EXPIRED_STATE` */
export function requireValid(trust: TrustContext, { lock: { validUntil } }: SignedLock): void {
  if (!validUntil || validUntil > trust.context.now()) return;
  const error = expired(validUntil);
  if (trust.isStrict) throw error;
  trust.warn("expired-state", error.message, error.remedy!);
}

/** Whether the commit that is checked out has the newer state behind it, and so takes it back. */
function wasCommittedOnTop({ history }: TrustContext, signed: SignedLock, memory: TrustRecord): boolean {
  return history.head.behind.has(memory.lock) && history.head.state === signed.digest;
}

/** Whether the available key has signed a state, in whatever clone. */
function isOwnState({ keys }: TrustContext, { lock, signer }: SignedLock): boolean {
  return derivedKeys(keys, lock.vault).includes(signer);
}
