"""Holds the bytes of a vault's files to what its lock says of them."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .digest import digest_of, tree_list
from .errors import VaultError, error
from .folder import FileEntry, FileSource
from .layout import GITATTRIBUTES_FILE, classify
from .lock import Lock

#: Folders of fewer files are looked through as fast as a list is read.
_WORTH_A_LIST = 256
_MAX_LIST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class TreeLists:
    """
    What the folders of a vault hold, by the lists whose digests are in its lock. A list proves itself, so it may lie anywhere: with it
    a read in a folder of thousands of files looks at its own file alone. Where there is none the folder is looked through.
    """

    home: str
    vault: str

    def read(self, tree: str, digest: str) -> bytes | None:
        """The list of this digest, lines of `SHA256␠␠PATH`, or `None`."""
        try:
            with open(self._file(tree), "rb") as opened:
                content = opened.read(_MAX_LIST_BYTES + 1)
        except OSError:
            return None
        return content if digest_of(content) == digest else None

    def keep(self, tree: str, content: bytes, files: int) -> None:
        """Keeps a list for the next read, where it is long and can be kept; the former one of the folder goes."""
        if files < _WORTH_A_LIST:
            return
        file = self._file(tree)
        draft = f"{file}.{secrets.token_hex(6)}"
        try:
            os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                opened.write(content)
            os.replace(draft, file)
        except OSError:
            if os.path.lexists(draft):
                os.unlink(draft)

    def _file(self, tree: str) -> str:
        name = hashlib.sha256(tree.encode("ascii")).hexdigest()[:32]
        return os.path.join(self.home, "trust", "trees", self.vault, f"{name}.list")


class SignedFiles:
    """A folder is looked through when the first of its files is asked for, and nothing else is: a read costs what its group costs."""

    def __init__(self, lock: Lock, source: FileSource, *, offered: bool = False, lists: TreeLists | None = None) -> None:
        """`offered`: the files are what a remote offers, and not what lies in the work tree."""
        self.lock = lock
        self._source = source
        self._offered = offered
        self._lists = lists
        self._present: Mapping[str, str] | None = None
        self._lookups: dict[str, Callable[[str], str | None]] = {}

    def require(self, file: str, content: bytes | None) -> None:
        """Raises `TAMPERED`. `content` is what was just read, or `None` for no such file."""
        if not is_signed(file):
            return
        tree = tree_of(file)
        expected = self.lock.files.get(file) if tree is None else self._digest_in(tree, file)
        if (None if content is None else digest_of(content)) != expected:
            raise self._tampered([file])

    def require_all(self) -> None:
        """Raises `TAMPERED` where any file differs."""
        entries = self._source.walk()
        present = digests_in(self._source, entries)
        # Rules in a folder of the vault go before the signed ones at its top, and would have git change files on their way.
        nested = [entry.file for entry in entries if entry.file.endswith(f"/{GITATTRIBUTES_FILE}")]
        differing = [*_differing(self.lock, present), *nested]
        if differing:
            raise self._tampered(differing)
        self._present = present

    def files_below(self, folder: str) -> list[str]:
        """The files below a folder such as `secrets`, by the lock. Raises `TAMPERED`."""
        if self._present is not None:
            return sorted(file for file in self._present if file.startswith(f"{folder}/"))
        trees = {tree for tree in self.lock.trees if tree == folder or tree.startswith(f"{folder}/")}
        for entry in self._source.walk(folder):
            tree = tree_of(entry.file)
            if entry.kind == "file" and is_signed(entry.file) and tree is not None:
                trees.add(tree)
        return sorted(file for tree in trees for file in self._look_through(tree))

    def _digest_in(self, tree: str, file: str) -> str | None:
        if self._present is not None:
            return self._present.get(file)
        if tree not in self._lookups:
            self._lookups[tree] = self._lookup_in(tree)
        return self._lookups[tree](file)

    def _lookup_in(self, tree: str) -> Callable[[str], str | None]:
        digest = self.lock.trees.get(tree)
        content = self._lists.read(tree, digest) if self._lists and digest else None
        if content is None:
            return self._look_through(tree).get
        listing = content

        def lookup(file: str) -> str | None:
            # Names have no spaces, so an entry cannot be the end of a longer one.
            at = listing.find(f"  {file[len(tree) + 1 :]}\n".encode("ascii"))
            return None if at < 0 else f"sha256:{listing[at - 64 : at].decode('ascii')}"

        return lookup

    def _look_through(self, tree: str) -> Mapping[str, str]:
        digests = digests_in(self._source, self._source.walk(tree))
        listing = tree_list({file[len(tree) + 1 :]: digest for file, digest in digests.items()})
        if (digest_of(listing) if digests else None) != self.lock.trees.get(tree):
            raise self._tampered([f"{tree}/"])
        if self._lists:
            self._lists.keep(tree, listing, len(digests))
        return digests

    def _tampered(self, what: list[str]) -> VaultError:
        some = ", ".join(what[:5]) + (f" and {len(what) - 5} more" if len(what) > 5 else "")
        if self._offered:
            return error(
                "TAMPERED",
                f"What the remote offers is not what the vault's owner signed: {some}.",
                "Nothing was taken over. See who changed it (git log @{upstream}), and have an owner put it right.",
            )
        return error(
            "TAMPERED",
            f"What lies in the vault is not what its owner signed: {some}.",
            "Do not use it. See who changed it (git log, git status), and take the signed state back: git checkout COMMIT -- .agent-vault",
        )


def tree_of(file: str) -> str | None:
    """The folder whose digest covers a file, or `None` where the file has an entry of its own in the lock."""
    found = re.match(r"(agents|owners|secrets/[^/]+)/", file)
    return found[1] if found else None


def is_signed(file: str) -> bool:
    """Whether the owner's signature covers a file: all that belongs in a vault but the signature itself."""
    return classify(file).kind not in ("stray", "signature")


def digests_in(source: FileSource, entries: Iterable[FileEntry]) -> dict[str, str]:
    """The digests of a vault's files by their path. Strays are in no one's name, and links are no files."""
    digests: dict[str, str] = {}
    for entry in entries:
        if entry.kind == "file" and is_signed(entry.file):
            content = source.read(entry.file)
            if content is not None:
                digests[entry.file] = digest_of(content)
    return digests


def _differing(lock: Lock, present: Mapping[str, str]) -> list[str]:
    """Files and folders that are not as a lock says, folders with a slash at their end."""
    files: dict[str, str] = {}
    inside: dict[str, dict[str, str]] = {}
    for file, digest in present.items():
        tree = tree_of(file)
        if tree is None:
            files[file] = digest
        else:
            inside.setdefault(tree, {})[file[len(tree) + 1 :]] = digest
    trees = {tree: digest_of(tree_list(listed)) for tree, listed in inside.items()}

    def compare(a: Mapping[str, str], b: Mapping[str, str], end: str) -> list[str]:
        return [f"{name}{end}" for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name)]

    return [*compare(lock.files, files, ""), *compare(lock.trees, trees, "/")]
