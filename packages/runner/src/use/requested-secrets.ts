import type { SecretEntry } from "@agent-vault/vault";
import { formatSecretPath, secretAttributes, type SecretPath, type VaultFiles } from "@agent-vault/vault/read-only";
import type { RequestedSecret } from "../policy/use-request.js";
import { stateOf } from "./state-of.js";

/**
 * The secrets of a use, as policy judges them.
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

/** A listed secret, as policy judges it. */
export function requestedSecret({ secret, groups, metadata }: SecretEntry): RequestedSecret {
  return {
    secret,
    groups,
    environment: metadata?.environment ?? undefined,
    provider: metadata?.provider ?? undefined,
    access: metadata?.access ?? undefined,
    tags: metadata?.tags ?? [],
  };
}
