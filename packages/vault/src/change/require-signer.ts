import type { Identity } from "../age/identity.js";
import { VaultError } from "../errors.js";
import type { VaultState } from "../files/vault-state.js";
import type { Keys } from "../keys/find-key.js";
import { ownerIdentityAmong } from "../keys/owner-identity.js";
import { SigningKey } from "../keys/signing-key.js";
import type { Lock } from "../lock/lock.js";

/**
 * The owner among some keys, with the key that signs this vault's states.
 * @throws VaultError `NOT_AUTHORIZED`, `UNTRUSTED_SIGNER`
 */
export async function requireOwner(keys: Keys, state: VaultState, lock: Lock): Promise<{ owner: Identity; signingKey: SigningKey }> {
  const owner = await ownerIdentityAmong(keys, state);
  const signingKey = new SigningKey(owner, lock.vault);
  requireSigner(signingKey, lock);
  return { owner, signingKey };
}

/**
 * Refuses an owner who may not sign: nobody would trust what they sign.
 * @throws VaultError `UNTRUSTED_SIGNER`
 */
export function requireSigner({ publicKey }: SigningKey, { owners }: Lock): void {
  if (owners.some(({ key }) => key === publicKey)) return;
  throw new VaultError("UNTRUSTED_SIGNER", "The signed state of this vault does not list your signing key among its owners.", {
    remedy:
      "If you did not expect that, do not use this copy: it may have been made to deceive you. Otherwise have another owner run agent-vault remove-owner and add-owner for you, with what agent-vault owner keys prints.",
  });
}
