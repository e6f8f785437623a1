"""Where trust in a vault starts: outside its repository, because anybody who can push can change everything in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import error
from ..keys.key_file import Keys
from ..lock.open_lock import SignedLock, is_owner
from ..lock.ssh_signature import parse_ssh_public_key
from ..lock.state_ref import StateRef


@dataclass(frozen=True)
class Anchors:
    """What is known about a vault's owners from outside its repository."""

    #: Signing keys that are trusted, and those that they name as owners; none if nothing is known.
    keys: tuple[str, ...]
    #: Where they come from, as it is said in a message.
    source: str
    #: The state that was current when the anchor was written.
    seen: StateRef | None


def find_anchors(signed: SignedLock, keys: Keys | None, env: Mapping[str, str]) -> Anchors:
    """
    The first of: `AGENT_VAULT_OWNER`, the `# owner:` comments of an agent's key file, what is derived from an owner's own key.

    Raises `INVALID_KEY` if the variable is not a key.
    """
    seen = keys.state if keys else None
    variable = env.get("AGENT_VAULT_OWNER")
    if variable:
        return Anchors(_parse_keys(variable), "AGENT_VAULT_OWNER", seen)
    if not keys:
        return Anchors((), "", seen)
    if keys.owners:
        return Anchors(keys.owners, keys.source, seen)
    derived = keys.signing_keys(signed.lock.vault)
    listed = [key for key in derived if is_owner(key, signed)]
    return Anchors(tuple(listed or (derived if keys.is_owners else [])), keys.source, seen)


def _parse_keys(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in re.split(r"[,\n]", text)]
    keys = [parse_ssh_public_key(part) for part in parts if part]
    if None in keys:
        raise error(
            "INVALID_KEY",
            "AGENT_VAULT_OWNER contains something that is not an owner's signing key.",
            "Set it to ssh-ed25519 AAAA..., as agent-vault list-owners prints it, or to several keys separated by commas.",
        )
    return tuple(key for key in keys if key is not None)
