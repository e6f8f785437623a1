import type { VaultFiles } from "../files/vault-files.js";
import { holdToLock } from "./hold-to-lock.js";
import { knownOf } from "./known.js";
import type { Lineage } from "./lineage.js";
import { readSignedLock, requireTrustedSigner, requireVaultOfKey } from "./signer.js";
import type { TrustContext } from "./trust-context.js";

/**
 * Verifies the signature and the signer of a state, whatever came after it.
 * @returns what is behind the state, `undefined` where it is not signed
 * @throws VaultError `BAD_SIGNATURE`, `UNTRUSTED_SIGNER`, `WRONG_VAULT`
 */
export function verifySigner(trust: TrustContext, files: VaultFiles): Lineage | undefined {
  const signed = readSignedLock(files);
  if (!signed) return undefined;
  requireVaultOfKey(trust, signed);
  const lineage = holdToLock(trust, files, signed);
  requireTrustedSigner(trust, lineage, files, knownOf(trust, signed));
  return lineage;
}
