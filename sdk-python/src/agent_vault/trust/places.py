"""Which vault was seen where."""

from __future__ import annotations

import contextlib
import hashlib
import os

from ..disk.atomic_file import create_atomically


def vault_seen_at(home: str, remote: str, path: str) -> str | None:
    """
    The id of the vault that was seen first in a folder of a remote; `None` if none was.

    Two vaults of one owner pass every signature, so nothing but this tells that they were swapped.
    """
    try:
        with open(_file_of(home, remote, path), encoding="utf-8") as opened:
            return opened.read().strip()
    except OSError:
        return None


def remember_place(home: str, remote: str, path: str, vault: str) -> None:
    """Remembers which vault is in a folder of a remote. The first one stays; that it cannot be written is said with the state itself."""
    if vault_seen_at(home, remote, path) is None:
        with contextlib.suppress(OSError):
            create_atomically(_file_of(home, remote, path), f"{vault}\n".encode())


def _file_of(home: str, remote: str, path: str) -> str:
    name = hashlib.sha256(f"{remote}\0{path}".encode("utf-8", "replace")).hexdigest()[:32]
    return os.path.join(home, "trust", "places", name)
