import type { Context } from "../context.js";
import type { FileSource } from "../format/file-source.js";
import { VaultState } from "../files/vault-state.js";
import type { KeyChoice } from "../keys/find-key.js";
import { findVaultKeys } from "../keys/vault-keys.js";
import { TrustContext } from "../trust/trust-context.js";
import { chooseInstead, chooseState } from "./choose-state.js";
import { openVault, requireAll } from "./open-vault.js";
import { readConsistentlySync } from "./read-consistently.js";

/**
 * The vault's state for what needs no key, such as a list: every file verified.
 * @param root absolute path of the vault's folder
 * @throws VaultError as {@link openVault} with `everything`
 */
export async function openState(context: Context, root: string, key?: KeyChoice): Promise<VaultState> {
  return (await openVault(context, root, "everything", { key })).files;
}

/**
 * As {@link openState}, for a caller that cannot wait: where another process is half-way through a change, the whole process waits.
 * @throws VaultError as `openState`; `TAMPERED` may name folders instead of files
 */
export function openStateSync(context: Context, root: string, key?: KeyChoice): VaultState {
  const trust = new TrustContext(context, root, findVaultKeys(context, root, key));
  let looks = 0;
  return readConsistentlySync(context, root, () => {
    const open = (source: string | FileSource) => new VaultState(source);
    const isSecondLook = looks++ > 0;
    let chosen = chooseState(trust, open, false, isSecondLook);
    try {
      requireAll(chosen.files);
    } catch (error) {
      if (!isSecondLook) throw error;
      chosen = chooseInstead(trust, open, chosen, error);
    }
    chosen.trusted?.remember();
    return chosen.files;
  });
}
