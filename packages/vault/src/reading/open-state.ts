import type { Context } from "../context.js";
import { findKeys, type KeyChoice } from "../keys/find-key.js";
import { withTamperedFileNames } from "../trust/tampered-file-names.js";
import { vaultIdIn, type SignedLock } from "../lock/open-lock.js";
import { VaultTrust } from "../trust/vault-trust.js";
import { readConsistently } from "./read-consistently.js";
import { VaultState } from "../files/vault-state.js";

/**
 * The vault's state for what needs no key, such as a list: verified file for file, by whatever says here whose signature to trust.
 * @param root absolute path of the vault's folder
 * @throws VaultError the codes of {@link VaultTrust}, `TAMPERED`
 */
export async function openState(context: Context, root: string, key?: KeyChoice): Promise<VaultState> {
  return (await openTrusted(context, root, key)).state;
}

/** As {@link openState}, with what was signed; `undefined` for a vault that nobody has signed. @throws VaultError as `openState` */
export async function openTrusted(
  context: Context,
  root: string,
  key?: KeyChoice,
): Promise<{ state: VaultState; signed: SignedLock | undefined }> {
  const keys = findKeys(context, { ...key, vaultId: () => vaultIdIn(new VaultState(root).source) });
  const newState = () => new VaultState(root);
  const { files: state, state: trusted } = await readConsistently(context, root, keys, newState, (look) => void look.signed?.requireAll());
  await withTamperedFileNames(context, root, () => state.signed?.requireAll());
  trusted?.remember();
  return { state, signed: trusted };
}

/** As {@link openState}, at once, for a program that cannot wait. @throws VaultError as {@link VaultTrust.verifyNow} */
export function openStateSync(context: Context, root: string, key?: KeyChoice): VaultState {
  const state = new VaultState(root);
  const trusted = trustAtHand(context, root, state, key).verifyNow(state);
  state.signed?.requireAll();
  trusted?.remember();
  return state;
}

function trustAtHand(context: Context, root: string, state: VaultState, key: KeyChoice | undefined): VaultTrust {
  return new VaultTrust(context, root, findKeys(context, { ...key, vaultId: () => vaultIdIn(state.source) }));
}
