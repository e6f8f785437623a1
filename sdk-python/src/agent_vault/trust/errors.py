"""Why a state of a vault is not trusted."""

from __future__ import annotations

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


def untrusted_signer(signed: SignedLock, source: str) -> VaultError:
    return error(
        "UNTRUSTED_SIGNER",
        f"The state of this vault was signed by {fingerprint(signed.signer)}, a key that {source} does not vouch for.",
        "Do not use it. If an owner's key was replaced, fetch the whole history (git fetch --unshallow), "
        "or ask an owner to confirm the new key.",
    )


def rollback(signed: SignedLock, newer: StateRef) -> VaultError:
    return error(
        "ROLLBACK",
        f"This is state {signed.lock.sequence} of the vault, but it was already at state {newer.sequence}.",
        "An old state was brought back, with access that was revoked since. Nothing was changed. Ask an owner.",
    )


def outdated(signed: SignedLock, newest: StateRef) -> VaultError:
    return error(
        "ROLLBACK",
        f"This is state {signed.lock.sequence} of the vault, but the policy of state {newest.sequence}, which was seen before, decides.",
        "Use the newest state.",
    )


def forked(signed: SignedLock) -> VaultError:
    return error(
        "FORKED",
        f"There are two states {signed.lock.sequence} of this vault, and this is not the one that was seen before.",
        "Nothing was changed. Ask an owner which is right.",
    )


def inflated_sequence(signed: SignedLock, seen: StateRef) -> VaultError:
    return error(
        "FORKED",
        f"State {signed.lock.sequence} does not follow state {seen.sequence}: no vault changes that often.",
        "Nothing was changed. Someone with an owner's key set a high version number, so that later states look old. "
        "An owner should run agent-vault rotate-owner.",
    )


def expired(until: datetime) -> VaultError:
    return error(
        "EXPIRED_STATE",
        f"The state of this vault was valid until {until:%Y-%m-%dT%H:%M}Z.",
        "Newer states may be withheld from you. Pull, or ask an owner to renew the signature with agent-vault sign --renew.",
    )


def wrong_vault(message: str) -> VaultError:
    return error("WRONG_VAULT", message, "Do not use it. Find out who put another vault in its place.")
