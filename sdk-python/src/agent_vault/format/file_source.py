"""Where the files of a vault are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class FileEntry:
    """An entry of a vault. `file` is relative to the vault's folder, with `/`."""

    file: str
    kind: Literal["file", "link", "other"]


class FileReader(Protocol):
    """Gives single files of a vault."""

    def read(self, file: str) -> bytes | None:
        """The bytes of a file, or `None` if there is none. Raises `LINK_IN_VAULT`, `DAMAGED`, `FAILED`."""


class FileSource(FileReader, Protocol):
    """All files of a vault: its folder on disk, or a commit."""

    @property
    def root(self) -> str: ...

    def walk(self, folder: str = "") -> list[FileEntry]:
        """All files and links below a folder, sorted by path. Raises `LINK_IN_VAULT`."""
