"""Verifies a state that a remote offers."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import error
from ..files.vault_files import VaultFiles
from ..lock.open_lock import SignedLock, open_lock_in
from ..lock.signed_files import SignedFiles
from .errors import rollback, unsigned
from .known_vault import known_vault, record_seen_on_remote
from .signer import has_trusted_signer, require_trusted_signer
from .state_order import require_not_older
from .trust_context import TrustContext
from .trust_store import TrustRecord
from .verify import require_never_signed, require_not_expired


@dataclass(frozen=True)
class Offer:
    """What a remote offers, and what it is compared with."""

    files: VaultFiles
    #: The URL without credentials, and the branch.
    remote: str
    #: The state in the work tree. It counts only if its signer is trusted.
    present: SignedLock | None
    #: A state that follows the offered one and that the same remote has behind it.
    newer: SignedLock | None
    #: Whether the offer is about to come into the work tree, so that all of its files must be verified.
    is_update: bool


def verify_remote(context: TrustContext, offer: Offer) -> None:
    """Verifies an offer before any of it reaches the work tree. Raises as `verify`, and `TAMPERED`."""
    # A changed lock: the signature must match its bytes.
    signed = open_lock_in(offer.files)
    present = offer.present if offer.present and has_trusted_signer(context, offer.present) else None
    if signed is None:
        # A removed signature.
        if present:
            raise unsigned("The remote offers a state of this vault that is not signed.")
        require_never_signed(context, offer.files)
        return
    # Another vault in place of this one.
    _require_same_vault(signed, present)
    known = known_vault(context, signed)
    # Recipient injection: anybody who can push can sign, but only a key that is known from outside the repository counts.
    require_trusted_signer(context, signed, known)
    # Rollback, fork and inflated sequence, by what this remote offered before and by what a fast-forward starts from.
    if known.record:
        require_not_behind_remote(context, signed, known.record, offer.remote)
        if offer.is_update and present and present.digest == known.record.lock:
            require_not_older(context, signed, known.record.newest, known.record.owners)
    # Rollback by a commit of old files on top of newer ones.
    if offer.newer:
        raise rollback(signed, offer.newer.ref)
    # Freeze: a host that serves the same old state forever.
    require_not_expired(context, signed)
    # Swapped, replaced and added files.
    if offer.is_update:
        SignedFiles(signed.lock, offer.files.source, offered=True).require_all()
    # Trust recorded too early: this is written last.
    record_seen_on_remote(context, signed, known, offer.remote)


def require_not_behind_remote(context: TrustContext, signed: SignedLock, record: TrustRecord, remote: str) -> None:
    """Refuses a state that is older than what the same remote offered before. Raises `ROLLBACK`, `FORKED`."""
    seen = record.remotes.get(remote)
    if seen:
        require_not_older(context, signed, seen, record.owners)


def _require_same_vault(signed: SignedLock, present: SignedLock | None) -> None:
    if present and signed.lock.vault != present.lock.vault:
        raise error(
            "WRONG_VAULT",
            f"The remote offers the vault {signed.lock.vault}, and this is the vault {present.lock.vault}.",
            "Nothing was pulled. Find out who put another vault in its place.",
        )
