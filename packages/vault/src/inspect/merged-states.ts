import type { Change } from "../difference/change.js";
import { differenceBetween } from "../difference/difference.js";
import type { VaultState } from "../files/vault-state.js";
import type { GitRepository } from "../git/repository.js";
import type { Digest } from "../lock/digest.js";
import type { SignedLock } from "../lock/open-lock.js";
import { readListedState } from "../trust/common-states.js";
import type { TrustContext } from "../trust/trust-context.js";

/** One of the states that a merge joined, and what the merge changed of it. */
export interface MergedParent {
  readonly digest: Digest;
  /** Absent where the clone does not hold the state, as a shallow one does not. */
  readonly sequence?: number | undefined;
  readonly commit?: string | undefined;
  /** What is other than in that state; the other side's changes are among it. */
  readonly changes?: readonly Change[] | undefined;
}

/** What a merge changed of each state that it joined; nothing for a state that is no merge. */
export function mergedParents(
  trust: TrustContext,
  repository: GitRepository | undefined,
  state: VaultState,
  signed: SignedLock | undefined,
): readonly MergedParent[] {
  if (!signed || !repository || signed.lock.previous.length < 2) return [];
  return signed.lock.previous.map((digest): MergedParent => {
    const parent = readListedState(trust, repository, digest);
    if (!parent) return { digest };
    const { changes } = differenceBetween(parent.state, state);
    return { digest, sequence: parent.signed.lock.sequence, commit: parent.commit, changes };
  });
}
