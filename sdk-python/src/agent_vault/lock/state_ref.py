"""A reference to one state of a vault."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StateRef:
    """A state by its sequence and the digest of its lock, `sha256:...`."""

    sequence: int
    lock: str
