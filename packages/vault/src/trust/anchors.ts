import type { Context } from "../context.js";
import { VaultError } from "../errors.js";
import type { Keys } from "../keys/find-key.js";
import { derivedKeys } from "../keys/signing-key.js";
import type { Lock } from "../lock/lock.js";
import { parseSshPublicKey, type SshPublicKey } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";

/** What is known of a vault's owner from outside its repository. */
export interface Anchors {
  /** Keys whose signature is trusted, and that of the owners they vouched for; none where nothing is known. */
  readonly keys: readonly SshPublicKey[];
  /** Where they come from, as a message names it. */
  readonly source: string;
  /** A state that was current when the anchor was written. */
  readonly seen: StateRef | undefined;
}

/**
 * Where trust starts, in this order: `AGENT_VAULT_OWNER` (keys `ssh-ed25519 AAAA...`, separated by commas or lines), the `# owner:`
 * lines of an agent's key file, what is derived from an owner's own key.
 * @param lock a state with a signature; its id is the salt of the derivation
 * @throws VaultError `INVALID_KEY` where the variable holds no key
 */
export function anchorsOf(context: Context, keys: Keys | undefined, lock: Lock): Anchors {
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
      throw new VaultError("INVALID_KEY", "AGENT_VAULT_OWNER holds something that is not an owner's signing key.", {
        remedy: "Set it to ssh-ed25519 AAAA..., as agent-vault list-owners prints it, or to several with commas between them.",
      });
    });
}
