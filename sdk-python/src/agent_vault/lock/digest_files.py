"""The digests of a vault's files, and how they differ from a lock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..format.file_source import FileEntry, FileSource
from ..format.layout import ADDED_ENTRIES, SIGNERS_FOLDER, VERSIONS_FOLDER, classify
from .digest import digest_of, tree_list
from .lock import Lock

_ADDED_FOLDERS = frozenset({SIGNERS_FOLDER, VERSIONS_FOLDER})


def digest_files(source: FileSource, entries: Iterable[FileEntry]) -> dict[str, str]:
    """The digests of the signed files among `entries`, by path. Links and files that do not belong in a vault are left out."""
    digests: dict[str, str] = {}
    for entry in entries:
        if entry.kind == "file" and is_signed(entry.file):
            content = source.read(entry.file)
            if content is not None:
                digests[entry.file] = digest_of(content)
    return digests


def differing_files(lock: Lock, added: Mapping[str, str] | None, present: Mapping[str, str]) -> list[str]:
    """
    The files and folders that are not as a state says; a folder ends in a slash.

    `added` is what it says of added files, which are left out if that is not known; `present` are the digests of all signed files.
    """
    files: dict[str, str] = {}
    inside: dict[str, dict[str, str]] = {}
    for file, digest in present.items():
        tree = tree_of(file)
        if tree is None:
            files[file] = digest
        else:
            inside.setdefault(tree, {})[file[len(tree) + 1 :]] = digest
    trees = {tree: digest_of(tree_list(listed)) for tree, listed in inside.items()}
    # A name that a later version added is a stray file for this one.
    listed_files = {**lock.files, **{name: digest for name, digest in (added or {}).items() if name in ADDED_ENTRIES - _ADDED_FOLDERS}}
    listed_trees = {**lock.trees, **{name: digest for name, digest in (added or {}).items() if name in _ADDED_FOLDERS}}
    differing = [*_differing(listed_files, files), *(f"{tree}/" for tree in _differing(listed_trees, trees))]
    return [name for name in differing if added is not None or name.rstrip("/") not in ADDED_ENTRIES]


def is_signed(file: str) -> bool:
    """Whether the owner's signature covers a file: everything that belongs in a vault except the signature."""
    return classify(file).kind not in ("stray", "signature")


def tree_of(file: str) -> str | None:
    """The folder whose digest covers a file, or `None` if there is an entry for the file itself."""
    match = re.match(r"(agents|owners|secrets/[^/]+|signers|versions)/", file)
    return match[1] if match else None


def _differing(expected: Mapping[str, str], actual: Mapping[str, str]) -> list[str]:
    return [name for name in dict.fromkeys([*expected, *actual]) if expected.get(name) != actual.get(name)]
