import type { Identity } from "../age/identity.js";
import { VaultError } from "../errors.js";
import type { Keys } from "./key-files.js";
import type { VaultState } from "../files/vault-state.js";

/**
 * The identity among some keys that is an owner's of this vault; every change needs it, since what is written is decrypted again
 * before it counts.
 * @throws VaultError `NOT_AUTHORIZED` where the keys are nobody's or an agent's
 */
export async function ownerIdentityAmong({ identities, source }: Keys, state: VaultState): Promise<Identity> {
  const owners = new Set(state.owners.map(({ recipient }) => recipient.text));
  for (const identity of identities) if (owners.has(await identity.recipient())) return identity;
  throw new VaultError("NOT_AUTHORIZED", `The key in ${source} is not the key of an owner of this vault.`, {
    remedy: `Only an owner changes a vault (${state.owners.map(({ name }) => name).join(", ")}); give the owner's key with --key FILE.`,
  });
}
