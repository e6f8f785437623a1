import { formatSecretPath, secretAttributes, type SecretPath, type VaultFiles } from "@agent-vault/vault/read-only";
import type { RequestedSecret } from "./use-request.js";
import { stateOf } from "./state-of.js";

/**
 * Secrets as they are judged.
 * @param files verified
 * @param byGroup whether it matters which groups list them: that takes the manifest, which takes long to read where it is large
 */
export async function requestedSecrets(files: VaultFiles, paths: readonly SecretPath[], byGroup: boolean): Promise<RequestedSecret[]> {
  const manifest = byGroup ? (await stateOf(files)).manifest : undefined;
  return Promise.all(
    paths.map(async (path) => ({
      secret: formatSecretPath(path),
      groups: manifest?.groupsOf(path) ?? [],
      ...(await secretAttributes(files, path)),
    })),
  );
}
