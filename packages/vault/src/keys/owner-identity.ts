import type { Identity } from "../age/identity.js";
import { VaultError } from "../errors.js";
import type { Keys } from "./find-key.js";
import type { VaultState } from "../files/vault-state.js";

/**
 * The identity among these keys that is an owner's of this vault. Every change needs it, since what is written is decrypted again before
 * the vault changes.
 * @throws VaultError `NOT_AUTHORIZED` where none of the keys is an owner's
 */
export async function ownerIdentityAmong({ identities, source }: Keys, state: VaultState): Promise<Identity> {
  const owners = new Set(state.owners.map(({ recipient }) => recipient.text));
  for (const identity of identities) if (owners.has(await identity.recipient())) return identity;
  throw new VaultError("NOT_AUTHORIZED", `The key in ${source} is not the key of an owner of this vault.`, {
    remedy: `Only an owner can change a vault (${state.owners.map(({ name }) => name).join(", ")}). Give an owner's key with --key FILE.`,
  });
}
