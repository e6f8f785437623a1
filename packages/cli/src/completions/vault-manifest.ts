import { Manifest, MANIFEST_FILE } from "@agent-vault/vault";
import type { VaultFiles } from "@agent-vault/vault/read-only";

/** The manifest's model. It stands in a file of its own since it brings the YAML parser, which secrets are found without. */
export function parseManifest(files: VaultFiles): Manifest {
  return Manifest.parse(files.read(MANIFEST_FILE) ?? new Uint8Array());
}
