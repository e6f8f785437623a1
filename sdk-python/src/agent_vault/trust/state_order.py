"""Which of two states is newer."""

from __future__ import annotations

from typing import Literal

from ..lock.open_lock import SignedLock
from ..lock.state_ref import StateRef
from .errors import forked, inflated_sequence, rollback
from .trust_context import TrustContext

#: A state whose sequence is higher than the previous one by more than this was not reached by changes.
MAX_SEQUENCE_STEP = 2**32

StateOrder = Literal["same", "newer", "older", "fork", "inflated"]


def compare_states(context: TrustContext, signed: SignedLock, seen: StateRef, owners: tuple[str, ...]) -> StateOrder:
    """How a state relates to one that was seen. `owners` are the keys that can sign what follows the latter."""
    if signed.digest == seen.lock:
        return "same"
    if has_inflated_sequence(signed, seen):
        return "inflated"
    if signed.lock.sequence > seen.sequence and signed.signer in owners:
        return "newer"
    # The sequence can restart after an owner's key was replaced. Then only the chain of states tells the order.
    if context.history.leads_back(signed, lambda state: state.digest == seen.lock):
        return "newer"
    return "fork" if signed.lock.sequence == seen.sequence else "older"


def require_not_older(context: TrustContext, signed: SignedLock, seen: StateRef, owners: tuple[str, ...]) -> None:
    """Refuses a state that does not follow one that was seen. Raises `ROLLBACK`, `FORKED`."""
    order = compare_states(context, signed, seen, owners)
    if order == "older":
        raise rollback(signed, seen)
    if order == "fork":
        raise forked(signed)
    if order == "inflated":
        raise inflated_sequence(signed, seen)


def refuse_superseded(context: TrustContext, signed: SignedLock) -> None:
    """Refuses a state if the checked-out commit has a newer one of the same chain behind it. Raises `ROLLBACK`."""
    from .lock_history import find_newer_state

    newer = find_newer_state(context.repository, context.root, "HEAD", signed) if context.repository else None
    if newer:
        raise rollback(signed, newer.ref)


def has_inflated_sequence(signed: SignedLock, seen: StateRef) -> bool:
    return signed.lock.sequence - seen.sequence > MAX_SEQUENCE_STEP
