"""Reads objects of a git repository."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .errors import GitError
from .repository import GitRepository

#: A line of `git ls-tree -z -l`.
_ENTRY = re.compile(r"(\d+) \w+ ([0-9a-f]+) +([0-9]+|-|BAD)\t([^\0]+)\0")


@dataclass(frozen=True)
class GitObject:
    """An object of git's store. `type` is such as `blob` and `commit`."""

    object_id: str
    type: str
    content: bytes


class TreeEntry(NamedTuple):
    """
    An entry of a commit's tree. `mode` is git's: `100644` and `100755` are files, `120000` is a link, `040000` a folder.

    `path` is relative to the tree, and `size` is `None` for what is no file.
    """

    mode: str
    object_id: str
    size: int | None
    path: str


def read_objects(repository: GitRepository, names: Sequence[str], max_bytes: int | None = None) -> list[GitObject | None]:
    """
    Objects by their names (an id, `REVISION`, `REVISION:PATH`), `None` for each that does not exist.

    Raises `GIT_FAILED`, of the kind `too_much_output` if all of them together are larger than `max_bytes`.
    """
    if not names:
        return []
    lines = b"".join(os.fsencode(name) + b"\n" for name in _without_line_breaks(names))
    output = repository.run(["cat-file", "--batch"], lines, max_bytes)
    objects: list[GitObject | None] = []
    offset = 0
    for _ in names:
        end = output.index(b"\n", offset)
        header = re.fullmatch(rb"([0-9a-f]+) ([a-z]+) ([0-9]+)", output[offset:end])
        offset = end + 1
        if header is None:
            objects.append(None)
            continue
        size = int(header[3])
        objects.append(GitObject(header[1].decode(), header[2].decode(), output[offset : offset + size]))
        offset += size + 1
    return objects


def read_small_contents(repository: GitRepository, names: Sequence[str], largest: int) -> list[bytes | None]:
    """As `read_contents`, with `None` also for each file that is larger than `largest`, before any of it is read."""
    checked = _without_line_breaks(names)
    if not checked:
        return []
    sizes = repository.run(["cat-file", "--batch-check=%(objectsize)"], b"".join(os.fsencode(name) + b"\n" for name in checked))
    small = [line.isdigit() and int(line) <= largest for line in sizes.splitlines()]
    contents = iter(read_contents(repository, [name for name, is_small in zip(checked, small, strict=True) if is_small]))
    return [next(contents) if is_small else None for is_small in small]


def read_contents(repository: GitRepository, names: Sequence[str], max_bytes: int | None = None) -> list[bytes | None]:
    """The contents of files, `None` for each that does not exist or is no file. Raises as `read_objects`."""
    return [found.content if found and found.type == "blob" else None for found in read_objects(repository, names, max_bytes)]


def list_tree(repository: GitRepository, tree: str, path: str, max_bytes: int, *, recursive: bool = False) -> list[TreeEntry]:
    """
    The entries of a tree at a path, or directly in it if that ends in `/`; with `recursive` all that are below. Raises `GIT_FAILED`.

    The folders on the way are among them.
    """
    words = ["ls-tree", "-z", "-l", "-t", "--full-tree", *(["-r"] if recursive else []), tree, *(["--", path] if path else [])]
    listing = os.fsdecode(repository.run(words, max_bytes=max_bytes))
    # One after the other, as a list may be of many thousands.
    return [
        TreeEntry(sys.intern(match[1]), match[2], int(match[3]) if match[3].isdecimal() else None, match[4])
        for match in _ENTRY.finditer(listing)
    ]


def _without_line_breaks(names: Sequence[str]) -> Sequence[str]:
    if any("\n" in name for name in names):
        raise GitError("GIT_FAILED", "A path with a line break cannot be read from git.", "Rename the folder that contains the vault.")
    return names
