import type { Context } from "../../context.js";
import type { KeyChoice } from "../../keys/find-key.js";
import { fingerprint, NAMESPACE, type SshPublicKey } from "../../lock/ssh-signature.js";
import { openTrusted } from "../../reading/open-state.js";
import { unsigned } from "../../trust/vault-trust.js";

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
 * @throws VaultError as `openState`
 */
export async function listOwners(context: Context, root: string, key?: KeyChoice): Promise<OwnerDetails[]> {
  const { state, signed } = await openTrusted(context, root, key);
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
 * @throws VaultError as `openState`, `UNSIGNED`
 */
export async function allowedSigners(context: Context, root: string, key?: KeyChoice): Promise<string[]> {
  const { signed } = await openTrusted(context, root, key);
  if (!signed) throw unsigned("Nobody has signed the state of this vault.");
  return signed.lock.owners.map((owner) => `${owner.name} namespaces="${NAMESPACE}" ${owner.key}`);
}
