"""Why a state of a vault is not trusted."""

from __future__ import annotations

import posixpath
from datetime import datetime

from ..errors import VaultError, error
from ..lock.open_lock import SignedLock
from ..lock.ssh_signature import fingerprint
from ..lock.state_ref import StateRef


def unsigned(message: str) -> VaultError:
    return error(
        "UNSIGNED",
        message,
        "Do not use it until its owner has checked it. agent-vault sign shows an owner what would be signed.",
    )


def key_of_another_vault(source: str, vault: str | None, signed: SignedLock) -> VaultError:
    return error(
        "WRONG_VAULT",
        f"The key in {source} belongs to the vault {vault}, and this is the vault {signed.lock.vault}.",
        "Use the key that was made for this vault. If this should be the same vault, another one was put in its place.",
    )


def another_vault(signed: SignedLock, before: str) -> VaultError:
    return error(
        "WRONG_VAULT",
        f"This is the vault {signed.lock.vault}, and the vault {before} was here before.",
        "Do not use it. Find out who put another vault in its place.",
    )


def another_vault_offered(signed: SignedLock, local: str) -> VaultError:
    return error(
        "WRONG_VAULT",
        f"The remote offers the vault {signed.lock.vault}, and this is the vault {local}.",
        "Nothing was taken over. Find out who put another vault in its place.",
    )


def untrusted_signer(signed: SignedLock, source: str) -> VaultError:
    return error(
        "UNTRUSTED_SIGNER",
        f"The state of this vault was signed by {fingerprint(signed.signer)}, and nothing in {source} vouches for that key.",
        "If an owner was added or replaced a key, fetch the whole history (git fetch --unshallow), or compare the key with an owner and "
        "set AGENT_VAULT_OWNER to it. Otherwise do not use this vault.",
    )


def nothing_known(signed: SignedLock) -> VaultError:
    return error(
        "UNTRUSTED_SIGNER",
        "Nothing on this machine says who may sign this vault, which strict mode needs (AGENT_VAULT_STRICT, CI). "
        f"It was signed by {name_of_signer(signed)}.",
        f"Compare this key with an owner, and set AGENT_VAULT_OWNER='{signed.signer}'. An agent's whole key file names its owners too.",
    )


def rollback(signed: SignedLock, seen: StateRef) -> VaultError:
    return error(
        "ROLLBACK",
        f"This is state {signed.lock.sequence} of the vault, and state {seen.sequence} was there before it.",
        "If you went back to an older commit or reverted one yourself, run agent-vault sync. Otherwise an old state was brought back, with "
        "access that was revoked since: ask an owner. Nothing was changed.",
    )


def unknown_order(signed: SignedLock, seen: StateRef) -> VaultError:
    return error(
        "ROLLBACK",
        f"Whether state {signed.lock.sequence} of the vault follows state {seen.sequence}, which was seen before, cannot be told: "
        "agent-vault 0.2.0 wrote it, and this clone does not have the states between.",
        "Fetch them: git fetch --unshallow. States of a newer agent-vault say themselves what is behind them.",
    )


def vault_gone(remote: str, ref: str, seen: StateRef) -> VaultError:
    return error(
        "ROLLBACK",
        f"The branch {branch_name(ref)} of {remote} had state {seen.sequence} of the vault, and has no vault now.",
        "If its branch was renamed or the vault was moved, an owner runs agent-vault sync there. Otherwise ask an owner. "
        "Nothing was changed.",
    )


def vault_moved(ref: str, before: str, folder: str, *, is_url: bool = False) -> VaultError:
    """
    The vault's main ref has it in another folder, which is relative to the repository, with `/`.

    `is_url`: the vault is named by its repository's URL, where it has to be at the top.
    """
    take = "Clone the repository (git clone URL)" if is_url else "Take that branch over (git pull, git merge)"
    return error(
        "VAULT_NOT_FOUND",
        f"The vault was moved: on the branch {branch_name(ref)} it is in {folder}/, and no more in {before}/.",
        f"{take}, and use the vault where it is now: {posixpath.dirname(folder)}.",
    )


def other_vault_after_move(failure: VaultError, ref: str, folder: str) -> VaultError:
    """Another vault is in this one's place, and this one is elsewhere."""
    return error(
        failure.code,
        f"{failure.message} On the branch {branch_name(ref)} yours is in {folder}/ now.",
        f"If an owner moved it, take that branch over and use the vault there: {posixpath.dirname(folder)}. Otherwise do not use it.",
    )


def older_than_remembered(signed: SignedLock, seen: StateRef) -> VaultError:
    return error(
        "ROLLBACK",
        f"This is state {signed.lock.sequence} of the vault, and state {seen.sequence} was seen before, whose policy decides.",
        "Use the newest state.",
    )


def forked(signed: SignedLock, seen: StateRef) -> VaultError:
    return error(
        "FORKED",
        f"State {signed.lock.sequence} of this vault does not follow state {seen.sequence}, which was there before it.",
        "If two owners have changed the vault at the same time, one of them runs agent-vault sync. Otherwise its history was rewritten: "
        "ask an owner. Nothing was taken over.",
    )


def inflated(signed: SignedLock, seen: StateRef) -> VaultError:
    return error(
        "FORKED",
        f"State {signed.lock.sequence} does not follow state {seen.sequence}: no vault changes that often.",
        "Nothing was changed. Someone with an owner's key wants later states to look old: an owner should run agent-vault rotate-owner.",
    )


def expired(until: datetime) -> VaultError:
    return error(
        "EXPIRED_STATE",
        f"The state of this vault was valid until {until:%Y-%m-%dT%H:%M}Z.",
        "Newer states may be withheld from you. Pull, or ask an owner to renew the signature with agent-vault sign --renew.",
    )


def name_of_signer(signed: SignedLock) -> str:
    """The owner who signed a state, as the state itself names its owners."""
    return next((owner.name for owner in signed.lock.owners if owner.key == signed.signer), "an unnamed owner")


def branch_name(ref: str) -> str:
    return ref.removeprefix("refs/").removeprefix("heads/")
