import type { Context } from "../../context.js";
import type { KeyChoice } from "../../keys/find-key.js";
import { fingerprint, NAMESPACE, type SshPublicKey } from "../../lock/ssh-signature.js";
import { openVault } from "../../reading/open-vault.js";
import { unsigned } from "../../trust/errors.js";

/** An owner, as the vault's signed state names them. */
export interface OwnerDetails {
  readonly name: string;
  /** `age1...` */
  readonly recipient: string;
  /** What the owner's signatures are checked with; `undefined` where the owner may sign nothing. */
  readonly signingKey: SshPublicKey | undefined;
  /** `SHA256:...` of the signing key. */
  readonly fingerprint: string | undefined;
  /** Whether this owner signed the present state. */
  readonly signed: boolean;
}

/**
 * The owners of a vault, whose state was verified first.
 * @param root absolute path of the vault's folder
 * @throws VaultError as `openVault`
 */
export async function listOwners(context: Context, root: string, key?: KeyChoice): Promise<OwnerDetails[]> {
  const { files: state, trusted: signed } = await openVault(context, root, "everything", { key });
  return state.owners.map(({ name, recipient }) => {
    const signingKey = signed?.lock.owners.find((owner) => owner.name === name)?.key;
    return {
      name,
      recipient: recipient.text,
      signingKey,
      fingerprint: signingKey && fingerprint(signingKey),
      signed: signingKey !== undefined && signingKey === signed?.signer,
    };
  });
}

/**
 * The lines of an allowed_signers file with which `ssh-keygen -Y verify` checks a vault's state.
 * @throws VaultError as `openVault`, `UNSIGNED`
 */
export async function allowedSigners(context: Context, root: string, key?: KeyChoice): Promise<string[]> {
  const { trusted: signed } = await openVault(context, root, "everything", { key });
  if (!signed) throw unsigned("The state of this vault is not signed.");
  return signed.lock.owners.map((owner) => `${owner.name} namespaces="${NAMESPACE}" ${owner.key}`);
}
