import type { SignedLock } from "../lock/open-lock.js";
import type { Lineage } from "./lineage.js";

/** The state of a branch that a change is proposed for. It vouches for who signs the change, where nothing else is known. */
export interface BaseState {
  /** The branch, as it was asked for. */
  readonly revision: string;
  readonly lineage: Lineage;
  /** The state that the change began from; `undefined` where that commit has none, or where the clone does not hold it. */
  readonly parted: Lineage | undefined;
  /** Whether the clone holds the commit that the change began from. */
  readonly isPartedKnown: boolean;
}

/** Whether a state is another one, or is behind it. */
export function isAtOrBehind({ digest }: Pick<SignedLock, "digest">, newer: Lineage): boolean {
  return digest === newer.signed.digest || newer.lists(digest) === true;
}
