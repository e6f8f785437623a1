import { VaultError } from "../errors.js";
import type { Keys } from "../keys/find-key.js";
import type { Lock } from "../lock/lock.js";
import type { SignedLock } from "../lock/open-lock.js";
import { fingerprint } from "../lock/ssh-signature.js";
import type { StateRef } from "../lock/state-ref.js";

export function unsigned(message: string): VaultError {
  return new VaultError("UNSIGNED", message, {
    remedy: "Do not use it before its owner has looked at it. An owner sees with agent-vault sign what a signature would vouch for.",
  });
}

export function keyOfAnotherVault({ source, comments }: Keys, { vault }: Lock): VaultError {
  return new VaultError("WRONG_VAULT", `The key in ${source} belongs to the vault ${comments.vault}, and this is the vault ${vault}.`, {
    remedy: "Use the key that was made for this vault. If it should be the same vault, somebody has put another one in its place.",
  });
}

export function anotherVault({ vault }: Lock, before: Lock): VaultError {
  return new VaultError("WRONG_VAULT", `This is the vault ${vault}, and the vault ${before.vault} was here before.`, {
    remedy: "Do not use it. Find out who put another vault in its place.",
  });
}

export function anotherVaultOffered({ vault }: Lock, local: Lock): VaultError {
  return new VaultError("WRONG_VAULT", `The remote offers the vault ${vault}, and this is the vault ${local.vault}.`, {
    remedy: "Nothing was pulled. Find out who put another vault in its place.",
  });
}

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

export function rollback({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError("ROLLBACK", `This is state ${lock.sequence} of the vault, and state ${seen.sequence} was there before it.`, {
    remedy: "Somebody has brought an old state back, with whatever was revoked since. Nothing was taken over; ask an owner.",
  });
}

export function olderThanRemembered({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError(
    "ROLLBACK",
    `This is state ${lock.sequence} of the vault, and state ${seen.sequence} was seen before, whose policy decides.`,
    { remedy: "Use the newest one: agent-vault -C its folder. With run --cwd the command itself runs elsewhere." },
  );
}

export function behindRemote({ lock }: SignedLock, newer: StateRef): VaultError {
  return new VaultError(
    "ROLLBACK",
    `This is state ${lock.sequence} of the vault, and state ${newer.sequence} was seen on its remote: a change would undo what came since.`,
    {
      remedy: "Take the newest first: agent-vault sync. If that brings nothing, somebody has brought an old state back; ask an owner.",
    },
  );
}

export function forked({ lock }: SignedLock): VaultError {
  return new VaultError("FORKED", `There are two states ${lock.sequence} of this vault, and this is not the one that was seen before.`, {
    remedy: "Nothing was taken over. Ask an owner which is right.",
  });
}

export function inflated({ lock }: SignedLock, seen: StateRef): VaultError {
  return new VaultError("FORKED", `State ${lock.sequence} does not follow state ${seen.sequence}: no vault changes that often.`, {
    remedy:
      "Nothing was taken over. Somebody with an owner's key wants later states to look old; an owner should run agent-vault rotate-owner.",
  });
}

export function expired(validUntil: Date): VaultError {
  return new VaultError("EXPIRED_STATE", `The state of this vault was valid until ${validUntil.toISOString().slice(0, 16)}Z.`, {
    remedy: "Somebody may be holding newer ones back. Pull first; an owner renews the signature with agent-vault sign --renew.",
  });
}
