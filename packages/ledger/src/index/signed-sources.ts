import type { VaultState } from "@agent-vault/vault";

/** The digests that the owner signed of the files that the index repeats, by file or folder; nothing of a vault that nobody signed. */
export function signedSources(state: VaultState): Map<string, string> {
  const lock = state.signed?.lock;
  return new Map(lock ? [...lock.files, ...lock.trees] : []);
}

/** Whether nothing changed; where nothing is signed that cannot be told. */
export function isSameState(sources: ReadonlyMap<string, string>, known: ReadonlyMap<string, string>): boolean {
  return sources.size > 0 && sources.size === known.size && [...sources].every(([name, digest]) => known.get(name) === digest);
}
