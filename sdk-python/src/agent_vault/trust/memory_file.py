"""The file of a memory, which the command line and the Node SDK read and write as well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..lock.digest import DIGEST_PATTERN
from ..lock.lock import MAX_SAFE_INTEGER
from ..lock.ssh_signature import parse_ssh_public_key
from ..lock.state_ref import StateRef
from .memory import FollowedRef, MadeState, Memory, RemoteMemory, SeenState

#: What is raised for a file that is not what was written.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def parse_memory(content: bytes, vault: str) -> Memory | None:
    """Reads what `format_memory` wrote; `None` for anything else."""
    try:
        fields = json.loads(content)
        if fields["version"] != 2 or fields["vault"] != vault:
            return None
        return Memory(
            pinned=keys_in(fields["pinned"]),
            removed=keys_in(fields["removed"]),
            accepted=_states_in(fields["accepted"]),
            remotes={name: _remote_in(remote) for name, remote in fields["remotes"].items()},
            made=tuple(_made_in(state) for state in _list(fields["made"])),
            former=None if fields.get("former") is None else _digest(fields["former"]),
        )
    except UNREADABLE:
        return None


def format_memory(memory: Memory, vault: str) -> bytes:
    """The bytes of a memory's file."""
    fields = {
        "version": 2,
        "vault": vault,
        "pinned": memory.pinned,
        "removed": memory.removed,
        "accepted": [_state(state) for state in memory.accepted],
        "remotes": {name: _remote(remote) for name, remote in memory.remotes.items()},
        "made": [_made(state) for state in memory.made],
        **({} if memory.former is None else {"former": memory.former}),
    }
    return f"{json.dumps(fields, indent=2, ensure_ascii=False)}\n".encode("utf-8", "replace")


def keys_in(values: Any) -> tuple[str, ...]:
    """Public keys. Raises `ValueError` if one is none."""
    keys = [parse_ssh_public_key(_text(value)) for value in _list(values)]
    if None in keys:
        raise ValueError("not a key")
    return tuple(key for key in keys if key is not None)


def state_ref_in(fields: Mapping[str, Any]) -> StateRef:
    """A state's sequence and digest. Raises `ValueError` if it is none."""
    sequence = fields["sequence"]
    if type(sequence) is not int or abs(sequence) > MAX_SAFE_INTEGER:
        raise ValueError("not a sequence")
    return StateRef(sequence, _digest(fields["lock"]))


def _states_in(values: Any) -> tuple[SeenState, ...]:
    return tuple(_state_in(value) for value in _list(values))


def _state_in(fields: Mapping[str, Any]) -> SeenState:
    ref = state_ref_in(fields)
    return SeenState(ref.sequence, ref.lock, keys_in(fields["owners"]), fields.get("policy") is True)


def _made_in(fields: Mapping[str, Any]) -> MadeState:
    state = _state_in(fields)
    follows = fields.get("follows")
    return MadeState(
        **vars(state),
        clone=_text(fields["clone"]),
        ref=_text(fields["ref"]),
        folder=_text(fields["folder"]),
        commit=_text(fields["commit"]),
        follows=None if follows is None else FollowedRef(_text(follows["remote"]), _text(follows["ref"]), _text(follows["tracking"])),
        is_pushed=fields.get("isPushed") is True,
    )


def _remote_in(fields: Mapping[str, Any]) -> RemoteMemory:
    home = fields.get("home")
    return RemoteMemory(None if home is None else _text(home), {ref: _states_in(states) for ref, states in fields["refs"].items()})


def _state(state: SeenState) -> dict[str, Any]:
    return {"sequence": state.sequence, "lock": state.lock, "owners": state.owners, "policy": state.policy}


def _made(state: MadeState) -> dict[str, Any]:
    return {
        **_state(state),
        "clone": state.clone,
        "ref": state.ref,
        "folder": state.folder,
        "commit": state.commit,
        **({} if state.follows is None else {"follows": vars(state.follows)}),
        **({"isPushed": True} if state.is_pushed else {}),
    }


def _remote(remote: RemoteMemory) -> dict[str, Any]:
    refs = {ref: [_state(state) for state in states] for ref, states in remote.refs.items()}
    return {**({} if remote.home is None else {"home": remote.home}), "refs": refs}


def _digest(value: Any) -> str:
    if not DIGEST_PATTERN.fullmatch(_text(value)):
        raise ValueError("not a digest")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value
