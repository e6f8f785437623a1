import {
  identifyPrincipal,
  parseSecretPath,
  secretAttributes,
  secretFile,
  VaultError,
  type Keys,
  type SecretPath,
  type VaultFiles,
} from "@agent-vault/vault/read-only";
import { decide, type Decision } from "../policy/decide.js";
import { readPolicy } from "../policy/read-policy.js";
import { requireAllowed } from "../policy/require-allowed.js";
import type { RequestedSecret, UseRequest } from "../policy/use-request.js";
import { stateOf } from "./state-of.js";

/** A vault's main branch, where its state is newer than the one that is used, or another. */
export interface HomeRules {
  /** Its files, verified. */
  readonly files: VaultFiles;
  readonly keys: Keys;
}

/**
 * What the policy of the main branch says of a use on a branch that is behind it: rules are never older than what is known. Secrets count
 * with the attributes that they have there.
 * @throws VaultError `POLICY_DENIED`, `HARNESS_DENIED`, `INVALID_POLICY`
 */
export async function decideByHome({ files, keys }: HomeRules, use: UseRequest): Promise<Decision> {
  const { manifest } = await stateOf(files);
  const secrets = await Promise.all(
    use.secrets.map(async (requested): Promise<RequestedSecret> => {
      const path = parseSecretPath(requested.secret);
      const known = isListed(files, path) ? await secretAttributes(files, path) : {};
      return { ...requested, ...known, groups: manifest.groupsOf(path) };
    }),
  );
  const atHome = { ...use, secrets, principal: await identifyPrincipal(files, keys) };
  const decision = decide(await readPolicy(files), atHome);
  try {
    requireAllowed(decision, atHome);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    throw new VaultError(error.code, `On the vault's main branch, which counts on every branch: ${error.message}`, {
      remedy: `${error.remedy} Merge the main branch to have one policy.`,
      cause: error,
    });
  }
  return decision;
}

/** Whether the main branch has a secret. Its value need not be here. */
function isListed(files: VaultFiles, path: SecretPath): boolean {
  return files.signed?.covers(secretFile(path)) ?? files.hasSecret(path);
}
