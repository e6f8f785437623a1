import type { FileChanges } from "../files/changes.js";
import type { VaultState } from "../files/vault-state.js";
import { VERSIONS_FOLDER } from "../format/layout.js";
import type { SecretPath } from "../format/names.js";

/** The files of a secret's kept versions. */
export function keptVersions(state: VaultState, path: SecretPath): string[] {
  const folder = `${VERSIONS_FOLDER}/${path}/`;
  return state.filesBelow(VERSIONS_FOLDER).filter((file) => file.startsWith(folder) && !file.slice(folder.length).includes("/"));
}

/** The kept versions of a secret under its new path, and none under the former one. */
export function movedVersions(state: VaultState, from: SecretPath, to: SecretPath): FileChanges {
  const files: FileChanges = new Map();
  for (const file of keptVersions(state, from)) {
    files.set(file, null);
    files.set(`${VERSIONS_FOLDER}/${to}/${file.slice(file.lastIndexOf("/") + 1)}`, state.read(file)!);
  }
  return files;
}
