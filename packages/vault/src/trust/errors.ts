import { posix } from "node:path";
import { VaultError } from "../errors.js";
import { branchName } from "../git/full-ref.js";
import type { Keys } from "../keys/find-key.js";
import type { Lock } from "../lock/lock.js";
import type { SignedLock } from "../lock/open-lock.js";
import { fingerprint } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";

/** `UNSIGNED`: the state of the vault has no signature; `message` says of what. */
export function unsigned(message: string): VaultError {
  return new VaultError("UNSIGNED", message, {
    remedy: "Do not use it before its owner has looked at it. An owner sees with agent-vault sign what a signature would vouch for.",
  });
}

/** `WRONG_VAULT`: the key file names another vault than the one it is used with. */
export function keyOfAnotherVault({ source, comments }: Keys, { vault }: Lock): VaultError {
  return new VaultError("WRONG_VAULT", `The key in ${source} belongs to the vault ${comments.vault}, and this is the vault ${vault}.`, {
    remedy: "Use the key that was made for this vault. If it should be the same vault, another one was put in its place.",
  });
}

/** `WRONG_VAULT`: another vault was in this place before. */
export function anotherVault({ vault }: Lock, before: string): VaultError {
  return new VaultError("WRONG_VAULT", `This is the vault ${vault}, and the vault ${before} was here before.`, {
    remedy: "Do not use it. Find out who put another vault in its place.",
  });
}

/** `WRONG_VAULT`: the remote offers another vault than the local one. */
export function anotherVaultOffered({ vault }: Lock, local: string): VaultError {
  return new VaultError("WRONG_VAULT", `The remote offers the vault ${vault}, and this is the vault ${local}.`, {
    remedy: "Nothing was pulled. Find out who put another vault in its place.",
  });
}

/** `UNTRUSTED_SIGNER`: nothing in `source` vouches for the key that signed the state. */
export function untrustedSigner({ signer }: SignedLock, source: string): VaultError {
  return new VaultError(
    "UNTRUSTED_SIGNER",
    `The state of this vault was signed by ${fingerprint(signer)}, and nothing in ${source} vouches for that key.`,
    {
      remedy:
        "If an owner was added or replaced a key, fetch the whole history (git fetch --unshallow), or compare the key with an owner and set AGENT_VAULT_OWNER to it. Otherwise do not use this vault.",
    },
  );
}

/** `UNTRUSTED_SIGNER`: nothing on this machine says who may sign, where that has to be known. */
export function nothingKnown({ signer, lock }: SignedLock): VaultError {
  const name = lock.owners.find(({ key }) => key === signer)?.name ?? "an unnamed owner";
  return new VaultError(
    "UNTRUSTED_SIGNER",
    `Nothing on this machine says who may sign this vault, which strict mode needs (AGENT_VAULT_STRICT, CI). It was signed by ${name}.`,
    { remedy: `Compare this key with an owner, and set AGENT_VAULT_OWNER='${signer}'. An agent's whole key file names its owners too.` },
  );
}

/** `ROLLBACK`: the state is older than the one that was in its place before. */
export function rollback({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError("ROLLBACK", `This is state ${lock.sequence} of the vault, and state ${seen.sequence} was there before it.`, {
    remedy:
      "If you went back to an older commit or reverted one yourself, run agent-vault sync. Otherwise an old state was brought back, with access that was revoked since: ask an owner. Nothing was changed.",
  });
}

/** `ROLLBACK`: commits on this branch took back the state that the remote has. */
export function takenBack({ lock }: SignedLock, newer: SignedLock): VaultError {
  return new VaultError(
    "ROLLBACK",
    `Commits on this branch took the vault back to state ${lock.sequence}, and the remote has state ${newer.lock.sequence}: everybody would refuse it.`,
    {
      remedy:
        "Nothing was pushed. To undo what that state changed, take the commit back that went to the older files, and make the change with agent-vault; or sign the older files as a new state: agent-vault sign --from-older.",
    },
  );
}

/** `ROLLBACK`: whether the state follows one that was seen cannot be told from what this clone holds. */
export function unknownOrder({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError(
    "ROLLBACK",
    `Whether state ${lock.sequence} of the vault follows state ${seen.sequence}, which was seen before, cannot be told: agent-vault 0.2.0 wrote it, and this clone does not hold the states between.`,
    { remedy: "Fetch them: git fetch --unshallow. States of a newer agent-vault say themselves what is behind them." },
  );
}

/** `ROLLBACK`: the vault's main ref is gone from the remote, or holds no vault any more. */
export function vaultGone(remote: string, ref: string, seen: StateRef): VaultError {
  const branch = branchName(ref);
  return new VaultError("ROLLBACK", `The branch ${branch} of ${remote} had state ${seen.sequence} of the vault, and has no vault now.`, {
    remedy:
      "If its branch was renamed or the vault was moved, an owner runs agent-vault sync there. Otherwise ask an owner. Nothing was changed.",
  });
}

/**
 * `VAULT_NOT_FOUND`: the vault's main ref holds it in another folder.
 * @param folder with `/`, relative to the repository
 * @param isUrl whether the vault is named by its repository's URL, where it has to lie at the top
 */
export function vaultMoved(ref: string, from: string, folder: string, isUrl = false): VaultError {
  const branch = branchName(ref);
  return new VaultError("VAULT_NOT_FOUND", `The vault was moved: on the branch ${branch} it is in ${folder}/, and no more in ${from}/.`, {
    remedy: `${isUrl ? "Clone the repository (git clone URL)" : "Take that branch over (git pull, git merge)"}, and use the vault where it is now: agent-vault -C ${posix.dirname(folder)}.`,
  });
}

/** `WRONG_VAULT`: another vault lies in this one's place, and this one elsewhere. @param folder as of {@link vaultMoved} */
export function otherVaultAfterMove({ message, code }: VaultError, ref: string, folder: string): VaultError {
  const branch = branchName(ref);
  return new VaultError(code, `${message} On the branch ${branch} yours is in ${folder}/ now.`, {
    remedy: `If an owner moved it, take that branch over and use the vault there: agent-vault -C ${posix.dirname(folder)}. Otherwise do not use it.`,
  });
}

/** `ROLLBACK`: this machine has seen a newer state, whose policy decides on the use. */
export function olderThanRemembered({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError(
    "ROLLBACK",
    `This is state ${lock.sequence} of the vault, and state ${seen.sequence} was seen before, whose policy decides.`,
    { remedy: "Use the newest one: agent-vault -C its folder. With run --cwd the command itself runs elsewhere." },
  );
}

/** `ROLLBACK`: the remote was seen in a newer state, which a change of this one would undo. */
export function behindRemote({ lock }: SignedLock, newer: StateRef): VaultError {
  return new VaultError(
    "ROLLBACK",
    `This is state ${lock.sequence} of the vault, and state ${newer.sequence} was made here or seen on its remote: a change would undo what came since.`,
    {
      remedy:
        "Take the newest first: agent-vault sync. If you dropped a commit of your own, agent-vault sign --from-older goes on from here. If neither is it, an old state was brought back: ask an owner.",
    },
  );
}

/** `FORKED`: neither the state nor one that was seen in its place lists the other. */
export function forked({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError(
    "FORKED",
    `State ${lock.sequence} of this vault does not follow state ${seen.sequence}, which was there before it.`,
    {
      remedy:
        "If two owners have changed the vault at the same time, one of them runs agent-vault sync. Otherwise its history was rewritten: ask an owner. Nothing was taken over.",
    },
  );
}

/** `FORKED`: the state's number is too far ahead of the one that was seen before. */
export function inflated({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError("FORKED", `State ${lock.sequence} does not follow state ${seen.sequence}: no vault changes that often.`, {
    remedy:
      "Nothing was changed. Someone with an owner's key wants later states to look old: an owner should run agent-vault rotate-owner.",
  });
}

/** `EXPIRED_STATE`: the state's signature was valid until `validUntil`, in UTC. */
export function expired(validUntil: Date): VaultError {
  return new VaultError("EXPIRED_STATE", `The state of this vault was valid until ${validUntil.toISOString().slice(0, 16)}Z.`, {
    remedy: "Newer states may be withheld from you. Pull, or ask an owner to renew the signature with agent-vault sign --renew.",
  });
}
