"""Reads objects of a git repository."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import GitError
from .repository import GitRepository


@dataclass(frozen=True)
class TreeEntry:
    """A file in a commit. `mode` is git's: `100644` and `100755` are files, `120000` is a link. `path` is relative to the work tree."""

    mode: str
    object_id: str
    path: str


def read_objects(repository: GitRepository, names: Sequence[str]) -> list[bytes | None]:
    """The contents of files in commits (`REVISION:PATH`) or of objects by their ids, `None` for each that does not exist."""
    if not names:
        return []
    if any("\n" in name for name in names):
        raise GitError("GIT_FAILED", "A path with a line break cannot be read from git.", "Rename the folder that contains the vault.")
    output = repository.run(["cat-file", "--batch"], stdin=b"".join(os.fsencode(name) + b"\n" for name in names))
    contents: list[bytes | None] = []
    offset = 0
    for _ in names:
        end = output.index(b"\n", offset)
        header = re.fullmatch(rb"[0-9a-f]+ ([a-z]+) ([0-9]+)", output[offset:end])
        offset = end + 1
        if header is None:
            contents.append(None)
            continue
        size = int(header[2])
        contents.append(output[offset : offset + size] if header[1] == b"blob" else None)
        offset += size + 1
    return contents


def list_tree(repository: GitRepository, revision: str, folder: str) -> list[TreeEntry]:
    """All files below a folder in a commit. `folder` is relative to the work tree and ends in `/`. Raises `GIT_FAILED`."""
    listing = os.fsdecode(repository.run(["ls-tree", "-r", "-z", "--full-tree", revision, "--", folder]))
    matches = [re.fullmatch(r"(\d+) \w+ ([0-9a-f]+)\t(.+)", line, re.DOTALL) for line in listing.split("\0") if line]
    entries = [TreeEntry(match[1], match[2], match[3]) for match in matches if match]
    return [entry for entry in entries if entry.path.startswith(folder)]
