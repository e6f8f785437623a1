"""The digests of a vault's files, and how they differ from a lock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..format.file_source import FileEntry, FileSource
from ..format.layout import classify
from .digest import digest_of, tree_list
from .lock import Lock


def digest_files(source: FileSource, entries: Iterable[FileEntry]) -> dict[str, str]:
    """The digests of the signed files among `entries`, by path. Links and files that do not belong in a vault are left out."""
    digests: dict[str, str] = {}
    for entry in entries:
        if entry.kind == "file" and is_signed(entry.file):
            content = source.read(entry.file)
            if content is not None:
                digests[entry.file] = digest_of(content)
    return digests


def differing_files(lock: Lock, present: Mapping[str, str]) -> list[str]:
    """The files and folders that are not as a lock says; a folder ends in a slash. `present` are the digests of all signed files."""
    files: dict[str, str] = {}
    inside: dict[str, dict[str, str]] = {}
    for file, digest in present.items():
        tree = tree_of(file)
        if tree is None:
            files[file] = digest
        else:
            inside.setdefault(tree, {})[file[len(tree) + 1 :]] = digest
    trees = {tree: digest_of(tree_list(listed)) for tree, listed in inside.items()}
    return [*_differing(lock.files, files), *(f"{tree}/" for tree in _differing(lock.trees, trees))]


def is_signed(file: str) -> bool:
    """Whether the owner's signature covers a file: everything that belongs in a vault except the signature."""
    return classify(file).kind not in ("stray", "signature")


def tree_of(file: str) -> str | None:
    """The folder whose digest covers a file, or `None` if the lock has an entry for the file itself."""
    match = re.match(r"(agents|owners|secrets/[^/]+)/", file)
    return match[1] if match else None


def _differing(expected: Mapping[str, str], actual: Mapping[str, str]) -> list[str]:
    return [name for name in dict.fromkeys([*expected, *actual]) if expected.get(name) != actual.get(name)]
