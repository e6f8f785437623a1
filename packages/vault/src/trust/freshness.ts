import { derivedKeys } from "../keys/signing-key.js";
import type { Digest } from "../lock/digest.js";
import type { Lock } from "../lock/lock.js";
import type { SignedLock } from "../lock/open-lock.js";
import type { StateRef } from "../lock/state-ref.js";
import { expired, forked, inflated, rollback, unknownOrder } from "./errors.js";
import type { Known } from "./known.js";
import type { Lineage } from "./lineage.js";
import { allStates, statesOn, type SeenState } from "./memory.js";
import { statesKnownOn } from "./made-states.js";
import { rememberedAncestry } from "./memory-store.js";
import type { FetchedPlace, Place } from "./place.js";
import type { TrustContext } from "./trust-context.js";

/** No vault changes so often that its sequence grows by more than this. */
export const MAX_SEQUENCE_STEP = 2 ** 32;

/** Whether someone with an owner's key set the sequence so high that true updates would look old. */
export function hasInflatedSequence({ sequence }: Pick<Lock, "sequence">): boolean {
  return sequence > MAX_SEQUENCE_STEP;
}

/**
 * Where a state is, seen from another one: it lists it (`newer`), is listed by it (`older`), or neither (`unrelated`). Where the states
 * behind one are not known, as in a shallow clone of a vault of agent-vault 0.2.0, their sequences tell (`seems-newer`).
 */
export type StateOrder = "same" | "newer" | "older" | "unrelated" | "inflated" | "seems-newer";

/** Compares a state with one that was seen. */
export function compareStates(trust: TrustContext, lineage: Lineage, seen: StateRef & Partial<SeenState>): StateOrder {
  const { lock, digest, signer } = lineage.signed;
  if (digest === seen.lock) return "same";
  const step = lock.sequence - seen.sequence;
  if (step > MAX_SEQUENCE_STEP) return "inflated";
  const isNewer = lineage.lists(seen.lock);
  if (isNewer) return "newer";
  const behindSeen = rememberedAncestry(trust.context, lock.vault, seen.lock);
  if (behindSeen?.has(digest)) return "older";
  if (isNewer === false) return behindSeen || step >= 0 ? "unrelated" : "older";
  if (step > 0 && (seen.owners === undefined || seen.owners.includes(signer))) return "seems-newer";
  return step === 0 ? "unrelated" : "older";
}

/**
 * Compares a state with what was seen where it comes from. In a folder and in a repository without a remote an older one may be what
 * the person wants to look at; on a vault's main ref anything that is not at or after all that was seen is an error; on another ref,
 * which authors rebase and drop commits of, it is a notice.
 * @returns the state that this one is older than, where it can be used all the same
 * @throws VaultError `ROLLBACK`, `FORKED`
 */
export function requireOrder(trust: TrustContext, lineage: Lineage, place: Place, known: Known): SeenState | undefined {
  const seen = statesSeenAt(trust, lineage, place, known);
  let newest: SeenState | undefined;
  for (const state of seen) {
    const order = compareStates(trust, lineage, state);
    if (order === "same" || order === "newer") continue;
    if (order === "seems-newer") {
      // What a key file names is as old as the file, and most clones of agent-vault 0.2.0's vaults do not reach back so far.
      if (state.lock !== known.anchors.seen?.lock) warnOfUnknownOrder(trust, lineage.signed, state);
    } else if (order === "inflated") throw inflated(lineage.signed, state);
    else if (place.kind === "fetched") reportOnRef(trust, lineage.signed, state, place, order);
    else if (order === "unrelated") requireOwnFork(trust, lineage.signed, state);
    else newest = acceptOlder(trust, lineage.signed, state);
  }
  return newest;
}

/** What a state is compared with, by where it comes from. */
function statesSeenAt(trust: TrustContext, lineage: Lineage, place: Place, { anchors, memory }: Known): readonly SeenState[] {
  // An agent's key file says which state was current when it was written.
  const { seen } = anchors;
  const isPassed = memory && allStates(memory).some(({ lock }) => isAtOrAfter(trust, lineage.signed.lock.vault, lock, seen?.lock));
  const ofKey = seen && seen.lock !== lineage.signed.digest && !isPassed ? [{ ...seen, owners: anchors.keys, policy: false }] : [];
  switch (place.kind) {
    case "folder":
      return memory ? memory.accepted : ofKey;
    case "local": {
      const here = memory && statesOn(memory, place.clone, place.ref);
      if (here && here.length > 0) return here;
      return memory?.remotes[place.clone] ? [] : (memory?.accepted ?? ofKey);
    }
    case "checkout":
      // A branch may be at any state, but for one that makes all later ones look old.
      return (memory ? allStates(memory) : []).filter(({ sequence }) => lineage.signed.lock.sequence - sequence > MAX_SEQUENCE_STEP);
    case "fetched":
      return place.isHome
        ? [...(memory ? statesKnownOn(trust, lineage, memory, place) : []), ...ofKey]
        : memory
          ? statesOn(memory, place.remote, place.ref)
          : [];
  }
}

/** Whether a state that is remembered, and may have been made here and not pushed yet, is the one that a key file names, or lists it. */
function isAtOrAfter({ context }: TrustContext, vaultId: string, lock: Digest, seen: Digest | undefined): boolean {
  return seen !== undefined && (lock === seen || rememberedAncestry(context, vaultId, lock)?.has(seen) === true);
}

/** @throws VaultError `ROLLBACK`, `FORKED` on a vault's main ref */
function reportOnRef(
  trust: TrustContext,
  signed: SignedLock,
  seen: SeenState,
  { isHome, ref }: FetchedPlace,
  order: "older" | "unrelated",
): void {
  if (isHome) throw order === "older" ? rollback(signed, seen) : forked(signed, seen);
  const branch = ref.replace(/^refs\/(?:heads\/)?/, "");
  const before = `state ${seen.sequence} was there before`;
  trust.warn(
    order === "older" ? "rollback" : "forked",
    `The branch ${branch} has state ${signed.lock.sequence} of the vault, and ${before}${order === "older" ? "" : ", which it does not follow"}.`,
    "Its author may have taken commits back.",
  );
}

/** Another clone of the same owner may have made the other state. @throws VaultError `FORKED` */
function requireOwnFork(trust: TrustContext, signed: SignedLock, seen: SeenState): void {
  if (!derivedKeys(trust.keys, signed.lock.vault).includes(signed.signer)) throw forked(signed, seen);
  trust.warn(
    "forked",
    `Another clone of yours has made another state ${seen.sequence} of this vault.`,
    "Bring the two together before you push.",
  );
}

/** @throws VaultError `ROLLBACK` in strict mode, and where the older files were committed on top of the newer ones */
function acceptOlder(trust: TrustContext, signed: SignedLock, seen: SeenState): SeenState {
  const { head } = trust.history;
  if (trust.isStrict || (head.behind.has(seen.lock) && head.state === signed.digest)) throw rollback(signed, seen);
  trust.warn(
    "rollback",
    `This is state ${signed.lock.sequence} of the vault, and state ${seen.sequence} was seen before: what was revoked or replaced since is undone here.`,
    "Go back to the newest state when you are done here.",
  );
  return seen;
}

/** @throws VaultError `ROLLBACK` in strict mode */
export function warnOfUnknownOrder(trust: TrustContext, signed: SignedLock, seen: StateRef): void {
  const error = unknownOrder(signed, seen);
  if (trust.isStrict) throw error;
  trust.warn("unknown-order", error.message, error.remedy!);
}

/** Refuses a state where a commit, or the one that is checked out, has a later one behind it. @throws VaultError `ROLLBACK` */
export function refuseSuperseded(trust: TrustContext, signed: SignedLock, commit = "HEAD"): void {
  const newer = trust.history.findNewerState(signed, commit);
  if (newer) throw rollback(signed, { sequence: newer.lock.sequence, lock: newer.digest });
}

/** Refuses a state whose time is over, in strict mode; otherwise warns. @throws VaultError `EXPIRED_STATE` */
export function requireValid(trust: TrustContext, { lock: { validUntil } }: SignedLock): void {
  if (!validUntil || validUntil > trust.context.now()) return;
  const error = expired(validUntil);
  if (trust.isStrict) throw error;
  trust.warn("expired-state", error.message, error.remedy!);
}
