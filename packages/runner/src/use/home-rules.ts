import {
  identifyPrincipal,
  parseSecretPath,
  secretAttributes,
  secretFile,
  type Keys,
  type SecretPath,
  type VaultFiles,
} from "@agent-vault/vault/read-only";
import type { Policy } from "../policy/policy.js";
import { readPolicy } from "../policy/read-policy.js";
import type { RequestedSecret, UseRequest } from "../policy/use-request.js";
import { stateOf } from "./state-of.js";

/** A vault's main branch, where its state is newer than the one that is used, or another. */
export interface HomeRules {
  /** Its files, verified. */
  readonly files: VaultFiles;
  /** Whose they are is told there; without them the request's principal counts. */
  readonly keys: Keys | undefined;
}

/**
 * What the policy of the main branch judges of a use on a branch that is behind it: rules are never older than what is known. Secrets count
 * with the attributes that they have there.
 * @throws VaultError `INVALID_POLICY`
 */
export async function homeUse(
  { files, keys }: HomeRules,
  use: UseRequest,
): Promise<{ readonly policy: Policy | undefined; readonly use: UseRequest }> {
  const { manifest } = await stateOf(files);
  const secrets = await Promise.all(
    use.secrets.map(async (requested): Promise<RequestedSecret> => {
      const path = parseSecretPath(requested.secret);
      const known = isListed(files, path) ? await secretAttributes(files, path) : {};
      return { ...requested, ...known, groups: manifest.groupsOf(path) };
    }),
  );
  const principal = keys ? await identifyPrincipal(files, keys) : use.principal;
  return { policy: await readPolicy(files), use: { ...use, secrets, principal } };
}

/** Whether the main branch has a secret. Its value need not be here. */
function isListed(files: VaultFiles, path: SecretPath): boolean {
  return files.signed?.covers(secretFile(path)) ?? files.hasSecret(path);
}
