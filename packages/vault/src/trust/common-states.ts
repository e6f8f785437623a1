import { VaultError } from "../errors.js";
import { CommitFiles } from "../files/commit-files.js";
import { VaultState } from "../files/vault-state.js";
import type { GitRepository } from "../git/repository.js";
import type { Digest } from "../lock/digest.js";
import type { SignedLock } from "../lock/open-lock.js";
import { holdToLock } from "./hold-to-lock.js";
import type { Lineage } from "./lineage.js";
import type { CommittedState } from "./newest-trusted-state.js";
import { readSignedLock } from "./signer.js";
import type { TrustContext } from "./trust-context.js";

/** The states that two states both go back to. */
export interface CommonStates {
  /** Those that none of the others has behind it. */
  readonly states: readonly CommittedState[];
  /** Whether these are all. Otherwise the repository does not hold one of them, as after a squash of its branch or in a shallow clone. */
  readonly isComplete: boolean;
}

/**
 * Finds what two states both go back to, by what they list: git's merge base is an older state after a squash, and another one after a
 * rebase. Both states vouch for what they list, so it does not matter who has signed it and who is an owner by now.
 * @throws VaultError `GIT_FAILED`
 */
export function findCommonStates(trust: TrustContext, repository: GitRepository, first: Lineage, second: Lineage): CommonStates {
  const isCommon = ({ digest }: SignedLock) => first.lists(digest) === true && second.lists(digest) === true;
  const vault = first.signed.lock.vault;
  let left = trust.history
    .states()
    .filter((state) => state.lock.vault === vault && isCommon(state))
    .toSorted((a, b) => b.lock.sequence - a.lock.sequence || (a.digest < b.digest ? -1 : 1));
  const found: CommittedState[] = [];
  let isReadable = true;
  while (left.length > 0) {
    const [candidate, ...rest] = left;
    const state = readListedState(trust, repository, candidate!.digest);
    left = rest;
    if (!state) {
      isReadable = false;
      continue;
    }
    found.push(state);
    left = left.filter(({ digest }) => state.signed.lineage.lists(digest) !== true);
  }
  // A vault whose numbers were started again may have a later state with a lower one.
  const states = found.filter(
    (state) => !found.some((other) => other !== state && other.signed.lineage.lists(state.signed.digest) === true),
  );
  return { states, isComplete: isReadable && coversAll(states, first, second) };
}

/** Whether every state that both list is one of these, or behind one. */
function coversAll(states: readonly CommittedState[], first: Lineage, second: Lineage): boolean {
  const [one, other] = [first.whole, second.whole];
  if (!one || !other) return false;
  const known = states.map(({ signed }) => ({ digest: signed.digest, ancestry: signed.lineage.whole }));
  if (!known.every((state) => state.ancestry !== undefined)) return false;
  return one.sharedWith(other).isWithin(known.map(({ digest, ancestry }) => ({ digest, ancestry: ancestry! })));
}

/** A state that one who is trusted lists, whole, out of whichever commit has it so; `undefined` where none has. */
export function readListedState(trust: TrustContext, repository: GitRepository, digest: Digest): CommittedState | undefined {
  for (const commit of trust.history.commitsWith(digest)) {
    try {
      const state = new VaultState(CommitFiles.open(repository, commit, trust.root));
      const signed = readSignedLock(state);
      if (signed?.digest !== digest) continue;
      const lineage = holdToLock(trust, state, signed);
      state.signed!.requireAll();
      return { commit, signed: { ...signed, lineage }, state };
    } catch (error) {
      // Other files may have been committed beside that lock.
      if (!(error instanceof VaultError)) throw error;
    }
  }
  return undefined;
}
