import { spellRemote } from "../git/remote-spelling.js";
import { keysIn, stateIn } from "./memory-file.js";
import { statesOn, withStatesOn, type Memory, type SeenState } from "./memory.js";
import type { SshPublicKey } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";

/** What agent-vault 0.2.0 remembers of a vault: the newest state that was read from a work tree, and one for each remote's branch. */
export interface FormerMemory extends SeenState {
  readonly pinned: readonly SshPublicKey[];
  /** By the remote's URL and branch, with a space between them. */
  readonly remotes: Readonly<Record<string, StateRef>>;
}

/** Reads a file of agent-vault 0.2.0. @returns `undefined` for anything else */
export function parseFormerMemory(text: string, vaultId: string): FormerMemory | undefined {
  try {
    const { version, vault, sequence, lock, pinned, owners, policy, remotes } = JSON.parse(text) as Record<string, unknown>;
    if (version !== 1 || vault !== vaultId) return undefined;
    const states = Object.entries(remotes as object).map(([remote, state]) => [remote, stateIn(state as Record<string, unknown>)] as const);
    return {
      ...stateIn({ sequence, lock }),
      pinned: keysIn(pinned),
      owners: keysIn(owners),
      policy: policy === true,
      remotes: Object.fromEntries(states),
    };
  } catch {
    return undefined;
  }
}

/** Takes over what agent-vault 0.2.0 remembered. What is behind its states is not known, so they stay beside those that may list them. */
export function joinFormer(memory: Memory, { pinned, remotes, ...newest }: FormerMemory): Memory {
  const add = (states: readonly SeenState[], state: SeenState) =>
    states.some(({ lock }) => lock === state.lock) ? states : [...states, state];
  const { sequence, lock, owners, policy } = newest;
  let joined: Memory = {
    ...memory,
    pinned: [...new Set([...memory.pinned, ...pinned])],
    accepted: add(memory.accepted, { sequence, lock, owners, policy }),
  };
  for (const [name, state] of Object.entries(remotes)) {
    const space = name.lastIndexOf(" ");
    const [remote, ref] = [spellRemote(name.slice(0, space)), name.slice(space + 1)];
    joined = withStatesOn(joined, remote, ref, add(statesOn(joined, remote, ref), { ...state, owners, policy }));
  }
  return joined;
}
