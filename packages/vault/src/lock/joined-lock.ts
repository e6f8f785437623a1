import { digestOf, type Digest } from "./digest.js";
import { parseLock } from "./lock.js";

/** A change that was picked from another branch, as `git cherry-pick` and `git revert` do: what one state has changed of another. */
export interface PickedChange {
  readonly to: Digest;
  readonly from: Digest;
}

/** What git has joined, where no owner has signed the result yet. */
export interface JoinedStates {
  /** The id of the vault that both sides are. */
  readonly vault: string;
  /** The states that came together, sorted. */
  readonly states: readonly Digest[];
  /** What was picked on top of them, in that order. */
  readonly picks: readonly PickedChange[];
}

/** What git hands to a merge driver of one file; `undefined` where a side has no such file. */
export interface FileSides {
  readonly base: Uint8Array | undefined;
  readonly ours: Uint8Array;
  readonly theirs: Uint8Array;
}

const TITLE = "# agent-vault: git joined these states, and no owner has signed the result yet. An owner runs: agent-vault sync\n";
const PATTERN =
  /^#[^\n]*\nvault: ([0-9A-Za-z-]{8,64})\njoined:\n((?: {2}- sha256:[0-9a-f]{64}\n)+)(?:picked:\n((?: {2}- sha256:[0-9a-f]{64} since sha256:[0-9a-f]{64}\n)+))?$/;
/** More states than this come together in no merge that a person makes. */
const MAX_JOINED = 256;

/**
 * Writes what stands in `vault.lock` until the result is signed. It is never one side's lock: in a rebase git drops a commit in which each
 * file is as the other side has it.
 */
export function formatJoinedStates({ vault, states, picks }: JoinedStates): Uint8Array {
  const picked = picks.map(({ to, from }) => `  - ${to} since ${from}\n`);
  const lines = [
    TITLE,
    `vault: ${vault}\n`,
    "joined:\n",
    ...states.map((digest) => `  - ${digest}\n`),
    ...(picked.length > 0 ? ["picked:\n", ...picked] : []),
  ];
  return new TextEncoder().encode(lines.join(""));
}

/** Reads what {@link formatJoinedStates} wrote; `undefined` for a lock, and for what is neither. Who wrote it is not known. */
export function parseJoinedStates(bytes: Uint8Array | undefined): JoinedStates | undefined {
  if (!bytes || bytes.length > 64 * 1024) return undefined;
  const [, vault, joined, picked = ""] = PATTERN.exec(Buffer.from(bytes).toString("latin1")) ?? [];
  if (vault === undefined || joined === undefined) return undefined;
  const states = digestsIn(joined);
  const picks = picked
    .split("\n")
    .map(digestsIn)
    .filter((pair) => pair.length === 2)
    .map(([to, from]): PickedChange => ({ to: to!, from: from! }));
  return states.length + picks.length > MAX_JOINED ? undefined : { vault, states: sorted(states), picks };
}

/**
 * What is joined where git merges two locks. The signature of neither is looked at: who finishes the merge looks each state up.
 * @param isPick whether theirs is not joined as it is, but what it changed of the base
 * @returns `undefined` where a side has no lock, or the two are of different vaults
 */
export function joinLocks({ base, ours, theirs }: FileSides, isPick: boolean): JoinedStates | undefined {
  const [mine, other] = [statesOf(ours), statesOf(theirs)];
  if (!mine || !other || mine.vault !== other.vault) return undefined;
  const [from, to] = [base && stateIn(base), stateIn(theirs)];
  if (isPick && from && to) return { ...mine, picks: withPick(mine.picks, { to, from }) };
  const isNew = (pick: PickedChange) => !mine.picks.some(({ to, from }) => to === pick.to && from === pick.from);
  return { ...mine, states: sorted([...mine.states, ...other.states]), picks: [...mine.picks, ...other.picks.filter(isNew)] };
}

/** A range of commits is picked one by one, and is one change. */
function withPick(picks: readonly PickedChange[], { to, from }: PickedChange): readonly PickedChange[] {
  const last = picks.at(-1);
  return last?.to === from ? [...picks.slice(0, -1), { to, from: last.from }] : [...picks, { to, from }];
}

function statesOf(bytes: Uint8Array): JoinedStates | undefined {
  const vault = vaultOf(bytes);
  return vault === undefined ? parseJoinedStates(bytes) : { vault, states: [digestOf(bytes)], picks: [] };
}

function stateIn(bytes: Uint8Array): Digest | undefined {
  return vaultOf(bytes) === undefined ? undefined : digestOf(bytes);
}

function vaultOf(bytes: Uint8Array): string | undefined {
  try {
    return parseLock(bytes).vault;
  } catch {
    return undefined;
  }
}

function digestsIn(text: string): Digest[] {
  return [...text.matchAll(/sha256:[0-9a-f]{64}/g)].map(([digest]) => digest as Digest);
}

function sorted(digests: readonly Digest[]): Digest[] {
  return [...new Set(digests)].toSorted();
}
