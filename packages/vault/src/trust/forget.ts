import type { Context } from "../context.js";
import { spellRemote } from "../git/remote-spelling.js";
import { readMemory, updateMemory } from "./memory-store.js";
import { forgetPlace } from "./places.js";

/**
 * Takes back what this machine remembers of a vault for one remote: the states of its refs, those that were made for them, and which vault lies
 * at a path there. Signing keys that were seen to be removed stay known. Only a person may want that.
 * @param remote its URL, or the spelling that `doctor` shows
 * @param path the vault's folder in the repository, with `/`
 * @returns whether anything was remembered
 * @throws VaultError `DAMAGED`, `BUSY`
 */
export function forgetRemote(context: Context, vaultId: string, remote: string, path: string): boolean {
  const known = readMemory(context, vaultId);
  const isOf = (spelling: string) => spelling === remote || spelling === spellRemote(remote, context.cwd);
  const spellings = [...Object.keys(known?.remotes ?? {}), ...(known?.made ?? []).flatMap(({ follows }) => follows?.remote ?? [])].filter(
    isOf,
  );
  if (spellings.length === 0) return false;
  updateMemory(context, vaultId, (memory) => ({
    ...memory,
    remotes: Object.fromEntries(Object.entries(memory.remotes).filter(([spelling]) => !isOf(spelling))),
    made: memory.made.filter(({ follows }) => follows === undefined || !isOf(follows.remote)),
  }));
  for (const spelling of new Set(spellings)) forgetPlace(context, { remote: spelling, path }, vaultId);
  return true;
}
