import type { SshPublicKey } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";

/** A state that was verified on this machine. */
export interface SeenState extends StateRef {
  /** Who may sign what follows. */
  readonly owners: readonly SshPublicKey[];
  /** Whether a policy decides over uses in that state. */
  readonly policy: boolean;
}

/** What one remote of a vault was seen to hold. */
export interface RemoteMemory {
  /** The full name of the vault's main ref there, such as `refs/heads/main`; `undefined` where the remote has not said it yet. */
  readonly home: string | undefined;
  /** The newest states of each ref by its full name. None of them lists another. */
  readonly refs: Readonly<Record<string, readonly SeenState[]>>;
}

/** A state that was made in a clone on this machine. */
export interface MadeState extends SeenState {
  /** The clone's git folder, absolute. */
  readonly clone: string;
  /** The full name of the branch that was checked out, or `HEAD`. */
  readonly ref: string;
  /** The vault's folder in the clone, absolute. */
  readonly folder: string;
  /** The commit that holds it. */
  readonly commit: string;
  /** What the branch followed; absent where it followed nothing. */
  readonly follows?: { readonly remote: string; readonly ref: string; readonly tracking: string } | undefined;
  /** Whether it was about to go to that ref; whether it got there, the clone's log of that ref tells. */
  readonly isPushed?: boolean | undefined;
}

/** What this machine remembers of a vault, whatever a repository says. Nothing but a person's own word takes anything back. */
export interface Memory {
  /** Keys from outside the repository that vouched for this; none where the first key that was seen was taken on its word. */
  readonly pinned: readonly SshPublicKey[];
  /** Signing keys that were seen to be removed. */
  readonly removed: readonly SshPublicKey[];
  /** The newest states that were accepted where no remote's ref says which is the newest: in a folder, or a repository without a remote. */
  readonly accepted: readonly SeenState[];
  /** By the one spelling of each remote's URL. */
  readonly remotes: Readonly<Record<string, RemoteMemory>>;
  readonly made: readonly MadeState[];
}

/** A machine that has seen nothing of a vault. */
export const EMPTY_MEMORY: Memory = { pinned: [], removed: [], accepted: [], remotes: {}, made: [] };

/** Whether a state, given by its digest, is newer than another: signed by an owner and listing it. */
export type IsBehind = (state: StateRef) => boolean;

/**
 * Adds a state to a set of newest states: those that it lists go, and it stays out where one of the set lists it.
 * @param isBehind whether the new state lists one of the set
 * @param isAhead whether one of the set lists the new state
 */
export function joinState<T extends SeenState>(set: readonly T[], state: T, isBehind: IsBehind, isAhead: IsBehind): readonly T[] {
  if (set.some((seen) => seen.lock === state.lock || isAhead(seen))) return set;
  return [...set.filter((seen) => !isBehind(seen)), state];
}

/** The states of a remote's ref. */
export function statesOn({ remotes }: Memory, remote: string, ref: string): readonly SeenState[] {
  return remotes[remote]?.refs[ref] ?? [];
}

/** Of states that are remembered more than once, the last. */
export function eachOnce<T extends SeenState>(states: readonly T[]): T[] {
  return [...new Map(states.map((state) => [state.lock, state])).values()];
}

/** The states of a vault's main ref, whatever it was called before: a renamed one is no way back. */
export function statesOnHome(memory: Memory, remote: string, ref: string): readonly SeenState[] {
  const former = memory.remotes[remote]?.home;
  const states = [...statesOn(memory, remote, ref), ...(former === undefined || former === ref ? [] : statesOn(memory, remote, former))];
  return eachOnce(states);
}

/** The states of the vault's main refs on all remotes, each once. */
export function allStatesOnHome(memory: Memory): SeenState[] {
  const states = Object.entries(memory.remotes).flatMap(([remote, { home }]) => (home === undefined ? [] : statesOn(memory, remote, home)));
  return eachOnce(states);
}

/** The same memory with other states of a remote's ref. */
export function withStatesOn(memory: Memory, remote: string, ref: string, states: readonly SeenState[]): Memory {
  const known = memory.remotes[remote] ?? { home: undefined, refs: {} };
  return { ...memory, remotes: { ...memory.remotes, [remote]: { ...known, refs: { ...known.refs, [ref]: states } } } };
}

/** All states that are remembered, of whatever place, each once. */
export function allStates({ accepted, remotes, made }: Memory): SeenState[] {
  const onRemotes = Object.values(remotes).flatMap(({ refs }) => Object.values(refs).flat());
  return eachOnce([...accepted, ...onRemotes, ...made]);
}
