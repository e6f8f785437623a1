"""A cache of what the folders of a vault contain."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..disk.atomic_file import write_atomically
from .digest import digest_of

#: A smaller folder is read as fast as its list.
_MIN_FILES = 256
_MAX_LIST_BYTES = 64 * 1024 * 1024
_LIST = re.compile(rb"(?:[0-9a-f]{64} {2}[^\n ]+\n)+")


def digests_in_list(content: bytes, tree: str) -> Mapping[str, str] | None:
    """The digests of all files in a folder's list, by their paths in the vault; `None` for a text that is no list."""
    if not _LIST.fullmatch(content):
        return None
    return {f"{tree}/{line[66:]}": f"sha256:{line[:64]}" for line in content.decode("utf-8", "replace").split("\n")[:-1]}


@dataclass(frozen=True)
class TreeListCache:
    """
    The lists whose digests are in a vault's lock, lines of `SHA256␠␠PATH`.

    With a list, a read in a folder of thousands of files reads one file; without it, it reads the folder. A list without the signed digest
    is ignored, so nobody has to trust the cache.
    """

    home: str
    #: The vault's id.
    vault: str

    def read(self, tree: str, digest: str) -> bytes | None:
        """The list of this digest for the folder `tree`, or `None`."""
        try:
            with open(self._file(tree), "rb") as opened:
                content = opened.read(_MAX_LIST_BYTES + 1)
        except OSError:
            return None
        return content if digest_of(content) == digest else None

    def keep(self, tree: str, content: bytes, files: int) -> None:
        """Replaces the list of a folder, if it is large. A cache that cannot be written is left as it is."""
        if files >= _MIN_FILES:
            with contextlib.suppress(OSError):
                write_atomically(self._file(tree), content)

    def _file(self, tree: str) -> str:
        name = hashlib.sha256(tree.encode("ascii")).hexdigest()[:32]
        return os.path.join(self.home, "trust", "trees", self.vault, f"{name}.list")
