import type { Identity } from "../../age/identity.js";
import type { Context } from "../../context.js";
import { VaultFolder } from "../../files/vault-folder.js";
import type { VaultState } from "../../files/vault-state.js";
import { loadKeys, type KeyChoice } from "../../keys/find-key.js";
import { SigningKey } from "../../keys/signing-key.js";
import { vaultIdIn } from "../../lock/open-lock.js";
import type { SshPublicKey } from "../../lock/ssh-signature.js";
import { unsigned } from "../../trust/errors.js";

/** The public halves of an owner's key for one vault. */
export interface OwnerKeys {
  /** `age1...` */
  readonly recipient: string;
  /** What the owner's signatures are checked with. */
  readonly signingKey: SshPublicKey;
}

/**
 * What a new owner sends to an owner of the vault. Nothing of the vault is trusted for it but its id.
 * @throws VaultError `UNSIGNED`, and what `loadKeys` throws
 */
export async function ownerKeys(context: Context, root: string, key?: KeyChoice): Promise<OwnerKeys> {
  const id = vaultIdIn(new VaultFolder(root));
  if (id === undefined) throw unsigned("Nobody has signed the state of this vault, so there is nothing yet to sign next.");
  const { identities } = await loadKeys(context, { ...key, vaultId: () => id });
  return ownerKeysOf(identities[0]!, id);
}

/** The public halves of an identity as an owner's key of a vault. */
export async function ownerKeysOf(identity: Identity, vaultId: string): Promise<OwnerKeys> {
  return { recipient: await identity.recipient(), signingKey: new SigningKey(identity, vaultId).publicKey };
}

/** The id in the signed lock; in a trial run on a state that nobody has verified yet, the id that the files claim. */
export function vaultIdOf(state: VaultState): string {
  const id = state.signed?.lock.vault ?? vaultIdIn(state.source);
  if (id === undefined) throw unsigned("Nobody has signed the state of this vault.");
  return id;
}
