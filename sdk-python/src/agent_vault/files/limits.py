"""How large a vault can be."""

from __future__ import annotations

import re

from ..errors import VaultError, error
from ..format.layout import classify
from ..lock.ssh_signature import bad_signature

_KIB = 1024
_MIB = 1024 * _KIB

#: How large the files of a vault can be, in bytes; the first pattern that fits counts.
_LIMITS = (
    (re.compile(r"(?:vault|signers/[^/]+)\.lock"), 8 * _MIB),
    (re.compile(r"(?:vault\.lock|signers/[^/]+)\.sig"), 4 * _KIB),
    (re.compile(r"vault\.states"), 16 * _MIB),
    (re.compile(r"manifest\.yaml"), 8 * _MIB),
    (re.compile(r".*\.(?:yaml|meta)", re.DOTALL), 4 * _MIB),
    (re.compile(r"owner\.pub|owners/[^/]+\.pub|agents/[^/]+/public\.key"), 64 * _KIB),
)
#: The largest file that a vault can have.
MAX_FILE_BYTES = 64 * _MIB
#: More than a vault of 90,000 secrets has files.
_MAX_ENTRIES = 200_000
#: Deeper than any name in a vault.
_MAX_DEPTH = 32
#: How long the list of all files of a vault may be.
MAX_LISTING_BYTES = 24 * _MIB


def max_bytes_of(file: str) -> int:
    """How large a file of a vault can be. `file` is relative to the vault's folder."""
    return next((limit for pattern, limit in _LIMITS if pattern.fullmatch(file)), MAX_FILE_BYTES)


def require_size(file: str, size: int) -> None:
    """
    Refuses a file that is larger than such a file of a vault can be, before any of it is read.

    Until its digest is known to be signed, anybody who can push may have made it. Raises `TAMPERED`, `BAD_SIGNATURE`.
    """
    if size <= max_bytes_of(file):
        return
    message = f"{file} is larger than any such file of a vault"
    raise bad_signature(message) if classify(file).kind == "signature" else _beyond_limit(f"{message} ({size} bytes).")


def require_entries(folder: str, entries: int) -> None:
    """Refuses a folder with more files than a vault has. Raises `TAMPERED`."""
    if entries > _MAX_ENTRIES:
        raise too_many_entries(folder)


def require_depth(path: str) -> None:
    """Refuses a path that is deeper than any in a vault. Raises `TAMPERED`."""
    if path.count("/") >= _MAX_DEPTH:
        raise _beyond_limit("The vault has folders that are deeper than any of its names.")


def too_many_entries(folder: str) -> VaultError:
    return _beyond_limit(f"{folder or 'The vault'} has more files than any vault.")


def _beyond_limit(message: str) -> VaultError:
    return error(
        "TAMPERED",
        message,
        "Do not use it. See who changed it (git log, git status), and restore the signed files: git checkout COMMIT -- .agent-vault.",
    )
