import { isVerificationError } from "../errors.js";
import { dirname } from "node:path";
import { VaultFiles } from "../files/vault-files.js";
import { VaultFolder } from "../files/vault-folder.js";
import { runGitSync } from "../git/run-git-sync.js";
import type { SignedLock } from "../lock/open-lock.js";
import type { StateRef } from "../lock/state-ref.js";
import { followedBy } from "./followed.js";
import { holdToLock } from "./hold-to-lock.js";
import { knownOf, seenState, type Known } from "./known.js";
import type { Lineage } from "./lineage.js";
import {
  allStates,
  EMPTY_MEMORY,
  joinState,
  statesOn,
  statesOnHome,
  withStatesOn,
  type MadeState,
  type Memory,
  type SeenState,
} from "./memory.js";
import { hasKeptRules, rememberedAncestry, updateMemory } from "./memory-store.js";
import { rememberPlace } from "./places.js";
import { formatRules } from "./rules-file.js";
import { workTreePlace, type FetchedPlace, type Place } from "./place.js";
import type { TrustContext } from "./trust-context.js";

/** A state that was verified, where it comes from, and its files, vouched for. */
export interface Verified {
  readonly lineage: Lineage;
  readonly files: VaultFiles;
  readonly place: Place;
  readonly known: Known;
}

/** Remembers a state that was verified, and read without finding anything wrong, as one of the newest of its place. */
export function rememberAt(trust: TrustContext, verified: Verified): void {
  try {
    remember(trust, verified, newRules(trust, verified));
  } catch (error) {
    // Files of the work tree may be of the next state by now, which the next read remembers.
    if (verified.place.kind === "fetched" || !isVerificationError(error)) throw error;
  }
}

/** As {@link rememberAt}, for a state of a main branch of which nothing was read: only where all that judges uses of it is what was signed. */
export function rememberWhole(trust: TrustContext, verified: Verified): void {
  if (!isOnHome(verified.place)) return;
  const rules = newRules(trust, verified);
  const { lock, digest } = verified.lineage.signed;
  if (rules ? rules.length > 0 : hasKeptRules(trust.context, lock.vault, digest)) remember(trust, verified, rules);
}

function remember(trust: TrustContext, { lineage, place, known }: Verified, rules: Uint8Array | undefined): void {
  if (place.kind === "fetched") rememberPlace(trust.context, place, lineage.signed.lock.vault);
  const learn = (memory: Memory) => learnt(trust, lineage, place, withPinned(memory, known));
  const { memory } = known;
  // Most reads find nothing new, and take no lock.
  if (memory && !rules && JSON.stringify(learn(memory)) === JSON.stringify(memory)) return;
  const beside = { lock: lineage.signed.digest, ancestry: lineage.whole, rules };
  updateMemory(trust.context, lineage.signed.lock.vault, (present) => learn(memory ? present : fresh(present)), beside);
}

const isOnHome = (place: Place): boolean => place.kind === "fetched" && place.isHome;

/**
 * What judges uses of a main branch's state, where that was not kept before: checkouts that cannot fetch are judged by it.
 * @returns no bytes for what cannot be kept, so that not each read tries it
 */
function newRules({ context }: TrustContext, { lineage, files, place }: Verified): Uint8Array | undefined {
  const { lock, digest } = lineage.signed;
  if (!isOnHome(place) || hasKeptRules(context, lock.vault, digest) !== undefined) return undefined;
  try {
    return formatRules(files, lineage.signed) ?? new Uint8Array();
  } catch (error) {
    if (!isVerificationError(error)) throw error;
    // Files of the work tree may be of the next state by now.
    return files.source instanceof VaultFolder ? undefined : new Uint8Array();
  }
}

/** Remembers a state that an owner has just made in the work tree. */
export function rememberMade(trust: TrustContext, signed: SignedLock): void {
  const { context, root } = trust;
  const files = new VaultFiles(root);
  const lineage = holdToLock(trust, files, signed);
  const known = knownOf(trust, signed);
  const place = workTreePlace(context, root);
  const made = place.kind === "checkout" ? madeIn(trust, place, signed) : undefined;
  const isHere = ({ clone, ref }: MadeState) => clone === made?.clone && ref === made.ref;
  updateMemory(
    context,
    signed.lock.vault,
    (present) => {
      const before = withPinned(known.memory ? present : fresh(present), known);
      const learned = learnt(trust, lineage, place, before);
      if (!made) return learned;
      const memory = withRemoved(learned, lineage, orderTo(trust, lineage)[0], allStates(before));
      const here = joinState(memory.made.filter(isHere), made, ...orderTo(trust, lineage));
      return { ...memory, made: [...memory.made.filter((other) => !isHere(other)), ...here] };
    },
    { lock: signed.digest, ancestry: lineage.whole },
  );
}

function madeIn({ context, root }: TrustContext, { clone, ref }: Extract<Place, { kind: "checkout" }>, signed: SignedLock): MadeState {
  const { remote, upstream } = followedBy(context, root) ?? {};
  return {
    ...seenState(signed),
    clone,
    ref,
    folder: root,
    commit: runGitSync(context, dirname(root), ["rev-parse", "HEAD"]).toString("latin1").trim(),
    ...(remote !== undefined && upstream && { follows: { remote, ref: upstream.ref, tracking: upstream.tracking } }),
  };
}

/** Remembers that a state, made here, went to a remote's ref. @param files the state's, vouched for */
export function rememberPushed(trust: TrustContext, lineage: Lineage, files: VaultFiles, place: FetchedPlace): void {
  rememberAt(trust, { lineage, files, place, known: knownOf(trust, lineage.signed) });
}

/** What was first accepted without a second check counts for nothing beside a real anchor. */
function fresh(memory: Memory): Memory {
  return { ...EMPTY_MEMORY, removed: memory.removed };
}

function withPinned(memory: Memory, { anchors }: Known): Memory {
  return { ...memory, pinned: [...new Set([...memory.pinned, ...anchors.keys])] };
}

function learnt(trust: TrustContext, lineage: Lineage, place: Place, memory: Memory): Memory {
  const state = seenState(lineage.signed);
  const [isBehind, isAhead] = orderTo(trust, lineage);
  const join = (set: readonly SeenState[]) => joinState(set, state, isBehind, isAhead);
  switch (place.kind) {
    case "folder":
      return withRemoved({ ...memory, accepted: join(memory.accepted) }, lineage, isBehind, memory.accepted);
    case "local": {
      const before = statesOn(memory, place.clone, place.ref);
      const joined = withStatesOn({ ...memory, accepted: join(memory.accepted) }, place.clone, place.ref, join(before));
      return withRemoved(joined, lineage, isBehind, [...before, ...memory.accepted]);
    }
    case "checkout":
      return { ...memory, accepted: advanced(memory.accepted, state, isBehind) };
    case "fetched": {
      const before = place.isHome ? statesOnHome(memory, place.remote, place.ref) : statesOn(memory, place.remote, place.ref);
      const joined = withStatesOn(memory, place.remote, place.ref, join(before));
      if (!place.isHome) return joined;
      const made = memory.made.filter((one) => one.lock !== state.lock && !isBehind(one));
      return withRemoved(
        { ...withHome(joined, place.remote, place.ref), made, accepted: advanced(memory.accepted, state, isBehind) },
        lineage,
        isBehind,
        before,
      );
    }
  }
}

/** The first ref that was seen as a remote's main one stays it, unless the remote has that no more. */
function withHome(memory: Memory, remote: string, ref: string): Memory {
  const known = memory.remotes[remote]!;
  return known.home === ref ? memory : { ...memory, remotes: { ...memory.remotes, [remote]: { ...known, home: ref } } };
}

/** A branch's state says nothing of the vault's newest, but the first one, and one that follows what was accepted. */
function advanced(accepted: readonly SeenState[], state: SeenState, isBehind: (seen: SeenState) => boolean): readonly SeenState[] {
  if (accepted.length === 0) return [state];
  const left = accepted.filter((seen) => !isBehind(seen));
  return left.length === accepted.length ? accepted : [...left.filter(({ lock }) => lock !== state.lock), state];
}

/** Notes the keys of owners who are none any more, and forgets those who are again. */
function withRemoved(memory: Memory, lineage: Lineage, isBehind: (seen: SeenState) => boolean, before: readonly SeenState[]): Memory {
  const owners = new Set(lineage.signed.lock.owners.map(({ key }) => key));
  const former = [...before.filter(isBehind).flatMap((seen) => seen.owners), ...lineage.formerOwners()];
  const removed = [...new Set([...memory.removed, ...former])].filter((key) => !owners.has(key));
  return { ...memory, removed };
}

/** Whether the state lists one that was seen, and whether one that was seen lists the state. Where it is not known, the sequence tells. */
function orderTo({ context }: TrustContext, lineage: Lineage) {
  const { lock, digest } = lineage.signed;
  const isBehind = (seen: StateRef) => lineage.lists(seen.lock) ?? seen.sequence < lock.sequence;
  const isAhead = (seen: StateRef) => rememberedAncestry(context, lock.vault, seen.lock)?.has(digest) ?? false;
  return [isBehind, isAhead] as const;
}
