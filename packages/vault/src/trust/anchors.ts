import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { Keys } from "../keys/find-key.js";
import type { Lock } from "../lock/lock.js";
import { derivedKeys } from "../keys/signing-key.js";
import { parseSshPublicKey, type SshPublicKey } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";

/** What is known of a vault's owner from outside its repository. */
export interface Anchors {
  /** Keys whose signature is trusted, or that of whoever they vouched for; none where nothing is known. */
  readonly keys: readonly SshPublicKey[];
  /** Where they come from, in words for a message. */
  readonly source: string;
  /** A state that was current when the anchor was written. */
  readonly seen: StateRef | undefined;
}

/**
 * Where trust starts, in this order: `AGENT_VAULT_OWNER` (keys `ssh-ed25519 AAAA...`, separated by commas or lines), what is derived
 * from an owner's own key, the `# owner:` lines of an agent's key file.
 * @param lock a state that was signed by somebody; its id is the salt of the derivation
 * @throws VaultError `WRONG_VAULT` where the key file belongs to another vault, `INVALID_KEY` where the variable holds no key
 */
export function anchorsOf(context: Context, keys: Keys | undefined, lock: Lock): Anchors {
  if (keys?.comments.vault !== undefined && keys.comments.vault !== lock.vault) {
    throw new VaultError(
      "WRONG_VAULT",
      `The key in ${keys.source} belongs to the vault ${keys.comments.vault}, and this is the vault ${lock.vault}.`,
      {
        remedy: "Use the key that was made for this vault; if it should be the same vault, somebody has put another one in its place.",
      },
    );
  }
  const seen = keys?.comments.state;
  const variable = context.env["AGENT_VAULT_OWNER"];
  if (variable) return { keys: parseKeys(variable), source: "AGENT_VAULT_OWNER", seen };
  if (!keys) return { keys: [], source: "", seen };
  const { comments, source, isOwners } = keys;
  if (comments.owners.length > 0) return { keys: comments.owners, source, seen };
  const derived = derivedKeys(keys, lock.vault);
  const listed = derived.filter((key) => lock.owners.some((owner) => owner.key === key));
  return { keys: listed.length > 0 ? listed : isOwners ? derived : [], source, seen };
}

function parseKeys(text: string): SshPublicKey[] {
  return text
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const key = parseSshPublicKey(part);
      if (key) return key;
      throw new VaultError("INVALID_KEY", "AGENT_VAULT_OWNER holds something that is no owner's signing key.", {
        remedy: "It holds ssh-ed25519 AAAA..., as agent-vault list-owners prints it, or several with commas between them.",
      });
    });
}
