import type { SecretPath } from "../format/names.js";
import type { Digest } from "../lock/digest.js";
import type { MergeState } from "./merge-state.js";

/** One of the two sides, by its place: the state with the lower digest comes first, in every merge. */
export type SideIndex = 0 | 1;

/** Something of each side. */
export type Sided<T> = readonly [T, T];

/** The same of each side's. */
export function eachSide<T, R>(sides: Sided<T>, map: (value: T, side: SideIndex) => R): Sided<R> {
  return [map(sides[0], 0), map(sides[1], 1)];
}

/** The states that both sides go back to: those that none of the others lists. */
export interface Bases {
  readonly states: readonly MergeState[];
  /** Whether there are no others, whose bytes are not here. */
  readonly isComplete: boolean;
}

/** Two states of the graph, and what is known and decided about them. */
export interface MergeInput {
  readonly bases: Bases;
  readonly sides: Sided<MergeState>;
  /** The answers to questions, by the question's id: the digest of the side whose answer counts. */
  readonly answers?: ReadonlyMap<string, Digest>;
  /** Whether the values of a secret that both sides encrypted are equal, where a holder of a key has looked; by its path in the result. */
  readonly equalValues?: ReadonlyMap<SecretPath, boolean>;
}

/** Puts the states in the order that every merge of them has. */
export function inOrder(input: MergeInput): MergeInput {
  const [first, second] = input.sides;
  const states = input.bases.states.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  return { ...input, bases: { ...input.bases, states }, sides: first.digest <= second.digest ? [first, second] : [second, first] };
}

/** The side that was signed later; of two at one time the one with the lower digest. */
export function laterSide([first, second]: Sided<MergeState>): SideIndex {
  return second.signed.lock.signedAt > first.signed.lock.signedAt ? 1 : 0;
}
