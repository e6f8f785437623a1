import type { Identity } from "./age/identity.js";
import type { Context } from "./context.js";
import { VaultError } from "./errors.js";
import { loadKeys, type KeyChoice, type Keys } from "./key-files.js";
import type { VaultState } from "./vault-state.js";

/**
 * The identity of an owner of this vault, which every change needs: what is written is decrypted again before it counts.
 * @throws VaultError `NOT_AUTHORIZED` where the key is nobody's or an agent's, and what {@link loadKeys} throws
 */
export async function loadOwnerKey(context: Context, state: VaultState, key: KeyChoice): Promise<Identity> {
  return ownerAmong(await loadKeys(context, { ...key, vaultId: () => state.config.id }), state);
}

/** The identity of an owner of this vault among keys. @throws VaultError `NOT_AUTHORIZED` where there is none */
export async function ownerAmong({ identities, source }: Keys, state: VaultState): Promise<Identity> {
  const owners = new Set(state.owners.map(({ recipient }) => recipient.text));
  for (const identity of identities) if (owners.has(await identity.recipient())) return identity;
  throw new VaultError("NOT_AUTHORIZED", `The key in ${source} is not the key of an owner of this vault.`, {
    remedy: `Only an owner changes a vault (${state.owners.map(({ name }) => name).join(", ")}); give the owner's key with --key FILE.`,
  });
}
