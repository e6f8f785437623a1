"""What agent-vault 0.2.0 remembers of a vault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..git.remote_spelling import spell_remote
from ..lock.state_ref import StateRef
from .memory import Memory, SeenState
from .memory_file import UNREADABLE, keys_in, state_ref_in


@dataclass(frozen=True)
class FormerMemory:
    """The newest state that was read from a work tree, and one for each remote's branch."""

    pinned: tuple[str, ...]
    newest: SeenState
    #: By the remote's URL and branch, with a space between them.
    remotes: Mapping[str, StateRef]


def parse_former_memory(content: bytes, vault: str) -> FormerMemory | None:
    """Reads a file of agent-vault 0.2.0; `None` for anything else."""
    try:
        fields = json.loads(content)
        if fields["version"] != 1 or fields["vault"] != vault:
            return None
        ref = state_ref_in(fields)
        return FormerMemory(
            pinned=keys_in(fields["pinned"]),
            newest=SeenState(ref.sequence, ref.lock, keys_in(fields["owners"]), fields.get("policy") is True),
            remotes={name: state_ref_in(state) for name, state in fields["remotes"].items()},
        )
    except UNREADABLE:
        return None


def join_former(memory: Memory, former: FormerMemory) -> Memory:
    """Takes over what was remembered. What is behind its states is not known, so they stay beside those that may list them."""

    def add(states: tuple[SeenState, ...], state: SeenState) -> tuple[SeenState, ...]:
        return states if any(seen.lock == state.lock for seen in states) else (*states, state)

    joined = replace(
        memory,
        pinned=tuple(dict.fromkeys([*memory.pinned, *former.pinned])),
        accepted=add(memory.accepted, former.newest),
    )
    for name, state in former.remotes.items():
        url, _, ref = name.rpartition(" ")
        remote = spell_remote(url)
        seen = replace(former.newest, sequence=state.sequence, lock=state.lock)
        joined = joined.with_states_on(remote, ref, add(joined.states_on(remote, ref), seen))
    return joined
