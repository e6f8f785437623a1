import { VaultError } from "../errors.js";
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
export function anotherVault({ vault }: Lock, before: Lock): VaultError {
  return new VaultError("WRONG_VAULT", `This is the vault ${vault}, and the vault ${before.vault} was here before.`, {
    remedy: "Do not use it. Find out who put another vault in its place.",
  });
}

/** `WRONG_VAULT`: the remote offers another vault than the local one. */
export function anotherVaultOffered({ vault }: Lock, local: Lock): VaultError {
  return new VaultError("WRONG_VAULT", `The remote offers the vault ${vault}, and this is the vault ${local.vault}.`, {
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
        "Do not use it. If an owner's key was replaced, fetch the whole history (git fetch --unshallow), or have an owner confirm the new key.",
    },
  );
}

/** `ROLLBACK`: the state is older than the one that was in its place before. */
export function rollback({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError("ROLLBACK", `This is state ${lock.sequence} of the vault, and state ${seen.sequence} was there before it.`, {
    remedy: "An old state was brought back, with access that was revoked since. Nothing was changed. Ask an owner.",
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
    `This is state ${lock.sequence} of the vault, and state ${newer.sequence} was seen on its remote: a change would undo what came since.`,
    {
      remedy: "Take the newest first: agent-vault sync. If that brings nothing, an old state was brought back: ask an owner.",
    },
  );
}

/** `FORKED`: the state has the number of one that was seen before, and is another one. */
export function forked({ lock }: SignedLock): VaultError {
  return new VaultError("FORKED", `There are two states ${lock.sequence} of this vault, and this is not the one that was seen before.`, {
    remedy: "Nothing was taken over. Ask an owner which is right.",
  });
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
