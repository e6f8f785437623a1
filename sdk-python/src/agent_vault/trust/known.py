"""What is known about a vault before its state is trusted."""

from __future__ import annotations

from dataclasses import dataclass

from ..lock.open_lock import SignedLock
from .anchors import Anchors, find_anchors
from .memory import Memory
from .memory_store import read_memory
from .trust_context import TrustContext


@dataclass(frozen=True)
class Known:
    """What this machine knows of a vault before it looks at the vault's files."""

    anchors: Anchors
    #: What was verified before; `None` for nothing, or nothing that counts beside a real anchor.
    memory: Memory | None


def known_of(context: TrustContext, signed: SignedLock) -> Known:
    """What was first accepted without a second check counts for nothing beside a real anchor. Raises `INVALID_KEY`, `DAMAGED`."""
    anchors = find_anchors(signed, context.keys, context.env)
    memory = read_memory(context.home, signed.lock.vault)
    if memory is None or not anchors.keys:
        return Known(anchors, memory)
    owners = {owner for state in memory.all_states() for owner in state.owners}
    trusted = {*memory.pinned, *(owners if memory.pinned else ())}
    return Known(anchors, memory if trusted.intersection(anchors.keys) else None)
