import type { FileChanges } from "../../files/changes.js";
import type { Owner, VaultState } from "../../files/vault-state.js";
import { FIRST_OWNER_FILE } from "../../format/layout.js";
import type { OwnerEntry } from "../../format/manifest.js";

/**
 * Gives the state other owners, one for each entry. The first of them has `owner.pub`, which agent-vault 0.1 reads.
 * @returns the files of their recipients, and those that are removed
 */
export function replaceOwners(state: VaultState, entries: readonly OwnerEntry[], owners: readonly Owner[]): FileChanges {
  const files: FileChanges = new Map(ownerEntries(state).map(({ file }) => [file, null]));
  const hasFirst = entries.some(({ file }) => file === FIRST_OWNER_FILE);
  const placed = entries.map((entry, index) => (index === 0 && !hasFirst ? { name: entry.name, file: FIRST_OWNER_FILE } : entry));
  state.manifest.setOwners(placed);
  state.replaceOwners(owners);
  placed.forEach(({ file }, index) => files.set(file, new TextEncoder().encode(owners[index]!.recipient.text)));
  return files;
}

/** The owners as the manifest lists them; one of agent-vault 0.1 may leave out the only one. */
export function ownerEntries(state: VaultState): readonly OwnerEntry[] {
  const { owners } = state.manifest;
  return owners.length > 0 ? owners : [{ name: state.owners[0]!.name, file: FIRST_OWNER_FILE }];
}
