import { Manifest, MANIFEST_FILE } from "@agent-vault/vault";
import type { VaultFiles } from "@agent-vault/vault/read-only";

/** The manifest. A file of its own, since it loads the YAML parser, which completing secrets does not need. */
export function parseManifest(files: VaultFiles): Manifest {
  return Manifest.parse(files.read(MANIFEST_FILE) ?? new Uint8Array());
}
