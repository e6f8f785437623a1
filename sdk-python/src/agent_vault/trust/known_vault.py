"""What is known about a vault before its state is trusted, and what is recorded afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..format.layout import POLICY_FILE
from ..lock.open_lock import SignedLock
from .anchors import Anchors, find_anchors
from .trust_context import TrustContext
from .trust_store import TrustRecord, read_trust, write_trust


@dataclass(frozen=True)
class KnownVault:
    """The anchors of a vault and its trust record."""

    anchors: Anchors
    #: What this machine recorded; else what the key file says; else `None`.
    record: TrustRecord | None
    #: Whether this machine recorded nothing yet that counts.
    is_first_use: bool

    @property
    def pinned(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*(self.record.pinned if self.record else ()), *self.anchors.keys]))


def known_vault(context: TrustContext, signed: SignedLock) -> KnownVault:
    """A record that was trusted on first use does not count against a real anchor. Raises `WRONG_VAULT`, `INVALID_KEY`, `DAMAGED`."""
    anchors = find_anchors(signed, context.keys, context.env)
    record = read_trust(context.home, signed.lock.vault)
    if record and _is_anchored(record, anchors):
        return KnownVault(anchors, record, is_first_use=False)
    seen = anchors.seen
    initial = TrustRecord((), anchors.keys, None, seen.sequence, seen.lock, {}) if seen else None
    return KnownVault(anchors, initial, is_first_use=True)


def record_accepted(context: TrustContext, signed: SignedLock, known: KnownVault) -> None:
    """Records a state that was read from the work tree, after all of it was verified."""
    record = known.record
    if record and record.lock == signed.digest and set(known.anchors.keys) <= set(record.pinned):
        return
    write_trust(context.home, signed.lock.vault, _record_of(signed, known))


def record_seen_on_remote(context: TrustContext, signed: SignedLock, known: KnownVault, remote: str) -> None:
    """Records a state for the remote that offered it. The newest state of the vault stays the one that was read from the work tree."""
    record = known.record
    if record and record.remotes.get(remote) == signed.ref:
        return
    base = replace(record, pinned=known.pinned) if record else _record_of(signed, known)
    write_trust(context.home, signed.lock.vault, replace(base, remotes={**base.remotes, remote: signed.ref}))


def _is_anchored(record: TrustRecord, anchors: Anchors) -> bool:
    if not anchors.keys or set(anchors.keys) & set(record.pinned):
        return True
    return bool(record.pinned) and bool(set(anchors.keys) & set(record.owners))


def _record_of(signed: SignedLock, known: KnownVault) -> TrustRecord:
    return TrustRecord(
        pinned=known.pinned,
        owners=tuple(owner.key for owner in signed.lock.owners),
        policy=POLICY_FILE in signed.lock.files,
        sequence=signed.lock.sequence,
        lock=signed.digest,
        remotes=known.record.remotes if known.record else {},
    )
