"""What is learnt of a state that was verified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..errors import VaultError, is_verification_error
from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from .known import Known
from .lineage import Lineage
from .memory import IsBehind, Memory, SeenState, join_state, seen_state
from .memory_store import StateBeside, has_kept_rules, remembered_ancestry, update_memory
from .place import CheckoutPlace, FetchedPlace, FolderPlace, LocalPlace, Place
from .places import remember_place
from .rules_file import format_rules
from .trust_context import TrustContext


@dataclass(frozen=True)
class Verified:
    """A state that was verified, where it comes from, and its files, vouched for."""

    lineage: Lineage
    files: VaultFiles
    place: Place
    known: Known

    @property
    def is_on_home(self) -> bool:
        return isinstance(self.place, FetchedPlace) and self.place.is_home


def remember(context: TrustContext, verified: Verified) -> None:
    """Remembers a state that was verified, and read without finding anything wrong, as one of the newest of its place."""
    _remember(context, verified, _new_rules(context, verified))


def remember_whole(context: TrustContext, verified: Verified) -> None:
    """
    As `remember`, for a state of a main branch of which nothing was read.

    It is remembered only if all that judges uses of it is what was signed.
    """
    if not verified.is_on_home:
        return
    rules = _new_rules(context, verified)
    signed = verified.lineage.signed
    if rules or (rules is None and has_kept_rules(context.home, signed.lock.vault, signed.digest)):
        _remember(context, verified, rules)


def _remember(context: TrustContext, verified: Verified, rules: bytes | None) -> None:
    lineage, place, known = verified.lineage, verified.place, verified.known
    vault = lineage.signed.lock.vault
    if isinstance(place, FetchedPlace):
        remember_place(context.home, place.remote, place.path, vault)

    def learn(memory: Memory) -> Memory:
        pinned = tuple(dict.fromkeys([*memory.pinned, *known.anchors.keys]))
        return _learnt(context, lineage, place, replace(memory, pinned=pinned))

    # Most reads find nothing new, and take no lock.
    if known.memory and rules is None and learn(known.memory) == known.memory:
        return
    update_memory(
        context.home,
        vault,
        lambda present: learn(present if known.memory else _fresh(present)),
        StateBeside(lineage.signed.digest, lineage.whole, rules),
    )


def _new_rules(context: TrustContext, verified: Verified) -> bytes | None:
    """
    What judges uses of a main branch's state, if that was not kept before: checkouts that cannot fetch are judged by it.

    No bytes for what cannot be kept, so that not each read tries it.
    """
    signed = verified.lineage.signed
    if not verified.is_on_home or has_kept_rules(context.home, signed.lock.vault, signed.digest) is not None:
        return None
    try:
        return format_rules(verified.files, signed.digest) or b""
    except VaultError as failure:
        if not is_verification_error(failure):
            raise
        # Files of the work tree may be of the next state by now.
        return None if isinstance(verified.files.source, VaultFolder) else b""


def _fresh(memory: Memory) -> Memory:
    """What was first accepted without a second check counts for nothing beside a real anchor."""
    return Memory(removed=memory.removed, former=memory.former)


def _learnt(context: TrustContext, lineage: Lineage, place: Place, memory: Memory) -> Memory:
    state = seen_state(lineage.signed)
    is_behind, is_ahead = _order_to(context, lineage)

    def join(states: tuple[SeenState, ...]) -> tuple[SeenState, ...]:
        return join_state(states, state, is_behind, is_ahead)

    if isinstance(place, FolderPlace):
        return _with_removed(replace(memory, accepted=join(memory.accepted)), lineage, is_behind, memory.accepted)
    if isinstance(place, LocalPlace):
        before = memory.states_on(place.clone, place.ref)
        joined = replace(memory, accepted=join(memory.accepted)).with_states_on(place.clone, place.ref, join(before))
        return _with_removed(joined, lineage, is_behind, [*before, *memory.accepted])
    accepted = _advanced(memory.accepted, state, is_behind)
    if isinstance(place, CheckoutPlace):
        return replace(memory, accepted=accepted)
    if not place.is_home:
        return memory.with_states_on(place.remote, place.ref, join(memory.states_on(place.remote, place.ref)))
    before = memory.states_on_home(place.remote, place.ref)
    joined = _with_home(memory.with_states_on(place.remote, place.ref, join(before)), place.remote, place.ref)
    made = tuple(one for one in memory.made if one.lock != state.lock and not is_behind(one))
    return _with_removed(replace(joined, made=made, accepted=accepted), lineage, is_behind, before)


def _with_home(memory: Memory, remote: str, ref: str) -> Memory:
    """The first ref that was seen as a remote's main one stays it, unless the remote has that no more."""
    return replace(memory, remotes={**memory.remotes, remote: replace(memory.remotes[remote], home=ref)})


def _advanced(accepted: tuple[SeenState, ...], state: SeenState, is_behind: IsBehind) -> tuple[SeenState, ...]:
    """A branch's state says nothing of the vault's newest, except the first one, and one that follows what was accepted."""
    if not accepted:
        return (state,)
    left = [seen for seen in accepted if not is_behind(seen)]
    return accepted if len(left) == len(accepted) else (*(seen for seen in left if seen.lock != state.lock), state)


def _with_removed(memory: Memory, lineage: Lineage, is_behind: IsBehind, before: Sequence[SeenState]) -> Memory:
    """Notes the keys of owners who are none any more, and forgets those who are again."""
    owners = {owner.key for owner in lineage.signed.lock.owners}
    former = [*(owner for seen in before if is_behind(seen) for owner in seen.owners), *lineage.former_owners()]
    removed = tuple(key for key in dict.fromkeys([*memory.removed, *former]) if key not in owners)
    return replace(memory, removed=removed)


def _order_to(context: TrustContext, lineage: Lineage) -> tuple[Callable[[SeenState], bool], Callable[[SeenState], bool]]:
    """
    Whether the state lists one that was seen, and whether one that was seen lists the state.

    If it is not known, the sequence tells.
    """
    lock, digest = lineage.signed.lock, lineage.signed.digest

    def is_behind(seen: SeenState) -> bool:
        lists = lineage.lists(seen.lock)
        return seen.sequence < lock.sequence if lists is None else lists

    def is_ahead(seen: SeenState) -> bool:
        ancestry = remembered_ancestry(context.home, lock.vault, seen.lock)
        return ancestry is not None and digest in ancestry

    return is_behind, is_ahead
