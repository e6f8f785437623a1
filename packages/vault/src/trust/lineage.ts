import { isVerificationError } from "../errors.js";
import { Ancestry } from "../lock/ancestry.js";
import type { Digest } from "../lock/digest.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import type { SignedLock } from "../lock/open-lock.js";
import type { LockHistory } from "./lock-history.js";

/** No vault has more states: a higher sequence was set by someone with an owner's key. */
const MAX_STATES = 2 ** 32;

/**
 * Whether some states behind a state are not known, since its sequence says that there are more: a state's is one more than the largest of
 * its parents'. agent-vault 0.2.0's states, followed in a clone that did not hold them all, leave such a gap.
 * @param unlisted how many are known besides
 */
export function hasGap(ancestry: Ancestry, { lock: { sequence } }: SignedLock, unlisted = 0): boolean {
  return sequence <= MAX_STATES && ancestry.size + unlisted < sequence - 1;
}

/**
 * The states behind a state: those that its `vault.states` lists. agent-vault 0.2.0 leaves that file as it was, so where it does not
 * list what the lock names as `previous`, the missing part is walked in git.
 */
export class Lineage {
  readonly signed: SignedLock;
  readonly #read: () => Ancestry;
  readonly #readOwners: () => readonly SshPublicKey[];
  #listed: Ancestry | undefined;
  readonly #history: LockHistory;
  #walked: { readonly found: ReadonlySet<Digest>; readonly isWhole: boolean } | undefined;

  /**
   * @param read gives what the state's file lists; most states are the one that is remembered, and nobody asks
   * @param readOwners gives the keys of all owners that `signers/` names
   */
  constructor(signed: SignedLock, read: () => Ancestry, readOwners: () => readonly SshPublicKey[], history: LockHistory) {
    this.signed = signed;
    this.#read = read;
    this.#readOwners = readOwners;
    this.#history = history;
  }

  /** Whether the state is newer than another; `undefined` where git's history breaks before that is known. */
  lists(digest: Digest): boolean | undefined {
    if (digest === this.signed.digest) return false;
    if (this.#ancestry.has(digest)) return true;
    const { found, isWhole } = this.#walk();
    return found.has(digest) || (isWhole ? false : undefined);
  }

  /** The keys of those who were owners in a state behind this one, and are none in it; none where its files are changing now. */
  formerOwners(): SshPublicKey[] {
    const owners = new Set(this.signed.lock.owners.map(({ key }) => key));
    try {
      return this.#readOwners().filter((key) => !owners.has(key));
    } catch (error) {
      if (isVerificationError(error)) return [];
      throw error;
    }
  }

  /** All states behind this one, or `undefined` where they are not all known. */
  get whole(): Ancestry | undefined {
    const { found, isWhole } = this.#walk();
    if (!isWhole) return undefined;
    const [first, ...more] = [...found].map((digest) => ({ digest, ancestry: Ancestry.NONE }));
    return first ? Ancestry.following([{ ...first, ancestry: this.#ancestry }, ...more]) : this.#ancestry;
  }

  get #ancestry(): Ancestry {
    return (this.#listed ??= this.#read());
  }

  #walk(): { readonly found: ReadonlySet<Digest>; readonly isWhole: boolean } {
    return (this.#walked ??= this.#walkUnlisted());
  }

  #walkUnlisted(): { readonly found: ReadonlySet<Digest>; readonly isWhole: boolean } {
    const walked = this.#walkFrom([this.signed]);
    if (!hasGap(this.#ancestry, this.signed, walked.found.size)) return walked;
    const listed = this.#history.states().filter(({ digest }) => this.#ancestry.has(digest));
    const { found, isWhole } = this.#walkFrom([this.signed, ...listed]);
    return { found, isWhole: isWhole && !hasGap(this.#ancestry, this.signed, found.size) };
  }

  #walkFrom(states: readonly SignedLock[]): { readonly found: ReadonlySet<Digest>; readonly isWhole: boolean } {
    const found = new Set<Digest>();
    let isWhole = true;
    const unlisted = (state: SignedLock) => state.lock.previous.filter((digest) => !this.#ancestry.has(digest) && !found.has(digest));
    const left = states.flatMap(unlisted);
    for (let digest = left.pop(); digest !== undefined; digest = left.pop()) {
      found.add(digest);
      const state = this.#history.get(digest);
      if (state) left.push(...unlisted(state));
      else isWhole = false;
    }
    return { found, isWhole };
  }
}
