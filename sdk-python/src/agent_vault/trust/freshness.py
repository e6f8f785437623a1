"""Whether a state is the newest that was seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Literal

from ..lock.open_lock import SignedLock
from ..lock.state_ref import StateRef
from .errors import branch_name, expired, forked, inflated, rollback, unknown_order
from .known import Known
from .lineage import Lineage
from .made_states import states_known_on
from .memory import Memory, SeenState
from .memory_store import remembered_ancestry
from .place import CheckoutPlace, FetchedPlace, FolderPlace, LocalPlace, Place
from .trust_context import TrustContext

#: No vault changes so often that its sequence grows by more than this.
MAX_SEQUENCE_STEP = 2**32

#: Where a state is, seen from another one: it lists it (`newer`), is listed by it (`older`), or neither (`unrelated`). If the states behind
#: one are not known, as in a shallow clone of a vault of agent-vault 0.2.0, their sequences tell (`seems-newer`).
StateOrder = Literal["same", "newer", "older", "unrelated", "inflated", "seems-newer"]


def compare_states(context: TrustContext, lineage: Lineage, seen: StateRef) -> StateOrder:
    """Compares a state with one that was seen."""
    signed = lineage.signed
    if signed.digest == seen.lock:
        return "same"
    step = signed.lock.sequence - seen.sequence
    if step > MAX_SEQUENCE_STEP:
        return "inflated"
    is_newer = lineage.lists(seen.lock)
    if is_newer:
        return "newer"
    behind_seen = remembered_ancestry(context.home, signed.lock.vault, seen.lock)
    if behind_seen is not None and signed.digest in behind_seen:
        return "older"
    if is_newer is False:
        return "unrelated" if behind_seen is not None or step >= 0 else "older"
    if step > 0 and (not isinstance(seen, SeenState) or signed.signer in seen.owners):
        return "seems-newer"
    return "unrelated" if step == 0 else "older"


def require_order(context: TrustContext, lineage: Lineage, place: Place, known: Known) -> SeenState | None:
    """
    Compares a state with what was seen where it comes from.

    In a folder and in a repository without a remote an older one may be what the person wants to look at; on a vault's main ref anything
    that is not at or after all that was seen is an error; on another ref, which authors rebase and drop commits of, it is a warning.

    The state that this one is older than, if it can be used all the same. Raises `ROLLBACK`, `FORKED`.
    """
    newest: SeenState | None = None
    for state in _states_seen_at(context, lineage, place, known):
        order = compare_states(context, lineage, state)
        if order in ("same", "newer"):
            continue
        if order == "seems-newer":
            # What a key file names is as old as the file, and most clones of agent-vault 0.2.0's vaults do not reach back so far.
            if state.lock != (known.anchors.seen.lock if known.anchors.seen else None):
                _warn_of_unknown_order(context, lineage.signed, state)
        elif order == "inflated":
            raise inflated(lineage.signed, state)
        elif isinstance(place, FetchedPlace):
            _report_on_ref(context, lineage.signed, state, place, is_older=order == "older")
        elif order == "unrelated":
            _require_own_fork(context, lineage.signed, state)
        else:
            newest = _accept_older(context, lineage.signed, state)
    return newest


def refuse_superseded(context: TrustContext, signed: SignedLock, commit: str) -> None:
    """Refuses a state if a commit has a later one behind it. Raises `ROLLBACK`."""
    from .lock_history import find_newer_state

    newer = find_newer_state(context.repository, context.root, commit, signed) if context.repository else None
    if newer:
        raise rollback(signed, newer.ref)


def require_not_expired(context: TrustContext, signed: SignedLock) -> None:
    """Warns of a state that is no longer valid, and refuses it in strict mode. Raises `EXPIRED_STATE`."""
    until = signed.lock.valid_until
    if not until or until > datetime.now(timezone.utc):
        return
    failure = expired(until)
    if context.is_strict:
        raise failure
    context.warn(str(failure))


def _states_seen_at(context: TrustContext, lineage: Lineage, place: Place, known: Known) -> Sequence[SeenState]:
    """What a state is compared with, by where it comes from."""
    # An agent's key file says which state was current when it was written.
    seen, memory = known.anchors.seen, known.memory
    is_passed = seen is None or seen.lock == lineage.signed.digest or _is_passed(context, lineage.signed.lock.vault, memory, seen.lock)
    of_key = [] if seen is None or is_passed else [SeenState(seen.sequence, seen.lock, known.anchors.keys, False)]
    if isinstance(place, FolderPlace):
        return memory.accepted if memory else of_key
    if isinstance(place, LocalPlace):
        if memory is None:
            return of_key
        return memory.states_on(place.clone, place.ref) or (() if place.clone in memory.remotes else memory.accepted)
    if isinstance(place, CheckoutPlace):
        # A branch may be at any state, but for one that makes all later ones look old.
        states = memory.all_states() if memory else ()
        return [state for state in states if lineage.signed.lock.sequence - state.sequence > MAX_SEQUENCE_STEP]
    if place.is_home:
        return [*(states_known_on(context, lineage, memory, place) if memory else ()), *of_key]
    return memory.states_on(place.remote, place.ref) if memory else ()


def _is_passed(context: TrustContext, vault: str, memory: Memory | None, seen: str) -> bool:
    """Whether a state that is remembered, and may have been made here and not pushed yet, is the one that a key file names, or lists it."""
    for state in memory.all_states() if memory else ():
        ancestry = remembered_ancestry(context.home, vault, state.lock)
        if state.lock == seen or (ancestry is not None and seen in ancestry):
            return True
    return False


def _report_on_ref(context: TrustContext, signed: SignedLock, seen: SeenState, place: FetchedPlace, *, is_older: bool) -> None:
    if place.is_home:
        raise rollback(signed, seen) if is_older else forked(signed, seen)
    context.warn(
        f"The branch {branch_name(place.ref)} has state {signed.lock.sequence} of the vault, and state {seen.sequence} was there before"
        f"{'' if is_older else ', which it does not follow'}. Its author may have taken commits back."
    )


def _require_own_fork(context: TrustContext, signed: SignedLock, seen: SeenState) -> None:
    """Another clone of the same owner may have made the other state. Raises `FORKED`."""
    if signed.signer not in context.own_signing_keys(signed.lock.vault):
        raise forked(signed, seen)
    context.warn(f"Another clone of yours has made another state {seen.sequence} of this vault. Bring the two together before you push.")


def _accept_older(context: TrustContext, signed: SignedLock, seen: SeenState) -> SeenState:
    """Raises `ROLLBACK` in strict mode, and if the older files were committed on top of the newer ones."""
    history = context.history
    if context.is_strict or (seen.lock in history.behind_head and history.at_head == signed.digest):
        raise rollback(signed, seen)
    context.warn(
        f"This is state {signed.lock.sequence} of the vault, and state {seen.sequence} was seen before: what was revoked or replaced since "
        "is undone here. Go back to the newest state when you are done here."
    )
    return seen


def _warn_of_unknown_order(context: TrustContext, signed: SignedLock, seen: SeenState) -> None:
    failure = unknown_order(signed, seen)
    if context.is_strict:
        raise failure
    context.warn(str(failure))
