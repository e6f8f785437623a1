import { VaultError } from "../errors.js";
import type { VaultState } from "../files/vault-state.js";
import { formatSecretPath, type SecretPath } from "../format/names.js";

/**
 * Refuses a new secret whose name, or a folder of it, differs from another secret's in case only: some disks have one file for both.
 * @param leaving a secret that goes away with the same change
 * @throws VaultError `ALREADY_EXISTS`
 */
export function requireNoTwin(state: VaultState, path: SecretPath, leaving?: SecretPath): void {
  const own = new Map(prefixesOf(path).map((prefix) => [prefix.toLowerCase(), prefix]));
  for (const other of state.secretPaths()) {
    if (other === leaving) continue;
    for (const prefix of prefixesOf(other)) {
      const twin = own.get(prefix.toLowerCase());
      // A secret and a folder of the same name do not collide: the secret's file has an ending.
      if (twin === undefined || twin === prefix || (prefix === other) !== (twin === path)) continue;
      const [name, otherName] = [formatSecretPath(path), formatSecretPath(other)];
      throw new VaultError("ALREADY_EXISTS", `${name} and ${otherName} differ in upper and lower case only.`, {
        remedy: "Some disks cannot tell such names apart. Use the existing spelling or another name.",
      });
    }
  }
}

/** `a`, `a/b` and `a/b/c` for `a/b/c`. */
function prefixesOf(path: SecretPath): string[] {
  return path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
}
