import type { VaultFiles } from "../files/vault-files.js";
import { STATES_FILE } from "../format/layout.js";
import { Ancestry } from "../lock/ancestry.js";
import type { Digest } from "../lock/digest.js";
import type { SignedLock } from "../lock/open-lock.js";
import { signerLocks } from "../lock/signer-locks.js";
import { hasGap } from "../trust/lineage.js";
import type { LockHistory } from "../trust/lock-history.js";

/** A state that a new one follows. */
export interface ParentState {
  readonly signed: SignedLock;
  /** All states behind it. */
  readonly ancestry: Ancestry;
  /** Those among them that changed who may sign, and the first one. */
  readonly signers: readonly SignedLock[];
}

/**
 * What the next state takes over from this one. agent-vault 0.2.0 leaves `vault.states` and `signers/` as they were, so what is missing
 * of the states that it made is looked up in git's history, as far as the clone has it.
 * @param files the state's, vouched for
 * @throws VaultError `TAMPERED`, `BAD_SIGNATURE`, `TOO_NEW`, `GIT_FAILED`
 */
export function parentState(history: LockHistory, files: VaultFiles, signed: SignedLock): ParentState {
  const listed = Ancestry.parse(files.read(STATES_FILE));
  const kept = signerLocks(files, signed.lock.vault);
  const { digests, locks } = unlistedStates(history, listed, signed);
  const oldestFirst = locks.toReversed();
  return { signed, ancestry: listed.with(digests), signers: oldestFirst.reduce(withSigner, kept) };
}

/**
 * The states that show who may sign a state that follows these: each parent is added where it names other owners than the newest of
 * those before, and where there is none.
 */
export function signersFollowing(parents: readonly ParentState[]): SignedLock[] {
  const all = new Map<Digest, SignedLock>();
  for (const { signed, signers } of parents) for (const state of withSigner(signers, signed)) all.set(state.digest, state);
  return [...all.values()];
}

interface Unlisted {
  readonly digests: readonly Digest[];
  /** Those of them that the history has. */
  readonly locks: readonly SignedLock[];
}

/**
 * The states behind one that its list lacks, the newest first. Where a clone did not reach back to all of them when agent-vault 0.2.0's states
 * were first followed, the list has a gap, which a clone that has them fills.
 */
function unlistedStates(history: LockHistory, listed: Ancestry, signed: SignedLock): Unlisted {
  const found = statesBefore(history, listed, [signed]);
  const all = listed.with(found.digests);
  if (!hasGap(all, signed)) return found;
  const behind = history.states().filter(({ digest, lock }) => lock.vault === signed.lock.vault && all.has(digest));
  const { digests, locks } = statesBefore(history, listed, [signed, ...behind]);
  // Some of these were listed without being at hand.
  return { digests, locks: [...locks, ...behind].toSorted((a, b) => b.lock.sequence - a.lock.sequence) };
}

function statesBefore(history: LockHistory, listed: Ancestry, states: readonly SignedLock[]): Unlisted {
  const digests = new Set<Digest>();
  const locks: SignedLock[] = [];
  const following = [...states];
  for (let next = following.pop(); next; next = following.pop()) {
    for (const digest of next.lock.previous) {
      if (listed.has(digest) || digests.has(digest)) continue;
      digests.add(digest);
      const state = history.get(digest);
      if (state?.lock.vault !== next.lock.vault) continue;
      locks.push(state);
      following.push(state);
    }
  }
  return { digests: [...digests], locks };
}

function withSigner(signers: readonly SignedLock[], state: SignedLock): readonly SignedLock[] {
  // A vault in which 0.2.0 let the sequence start again has higher ones behind it.
  const before = signers.filter(({ lock }) => lock.sequence <= state.lock.sequence);
  const newest = before.toSorted((a, b) => b.lock.sequence - a.lock.sequence)[0];
  return newest && ownerKeys(newest) === ownerKeys(state) ? signers : [...signers, state];
}

function ownerKeys({ lock }: SignedLock): string {
  return lock.owners
    .map(({ key }) => key)
    .toSorted()
    .join("\n");
}
