"""The files of a vault in a commit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

from ..errors import VaultError, error
from ..format.file_source import FileEntry
from ..format.layout import classify
from ..git.errors import GitError
from ..git.objects import TreeEntry, list_tree, read_contents
from ..git.repository import GitRepository
from .limits import MAX_LISTING_BYTES, max_bytes_of, require_depth, require_entries, require_size, too_many_entries
from .vault_folder import link_in_vault

_KINDS: dict[str, Literal["file", "link", "folder"]] = {"100644": "file", "100755": "file", "120000": "link", "040000": "folder"}
#: How much is read ahead, in bytes and files, where one file after the other is asked for.
_MAX_AHEAD_BYTES = 4 * 1024 * 1024
_MAX_AHEAD_FILES = 4096
_MAX_PASSED_OVER = 16
#: A line of git's before each object.
_MAX_HEADER_BYTES = 100


class CommitFiles:
    """
    A vault's files in one commit. Only what is asked for is listed and read, and no file before its size is known.

    The commit may be anybody's.
    """

    def __init__(self, repository: GitRepository, commit: str, root: str) -> None:
        """Raises `VAULT_NOT_FOUND` if the commit has no vault at `root`, `GIT_FAILED`, `TAMPERED`."""
        self.root = root
        self._repository = repository
        folder = repository.path_of(root)
        entries = _list(repository, commit, f"{folder}/", "", recursive=False)
        tree = next((entry.object_id for entry in entries if entry.path == folder and _kind(entry) == "folder"), None)
        if tree is None:
            raise error("VAULT_NOT_FOUND", f"{commit} has no vault in {folder}/.", "Name another commit.")
        self._tree = tree
        inside = [entry for entry in entries if entry.path.startswith(f"{folder}/")]
        #: All entries below folders that were listed, sorted by path; at the top those that are directly in the vault's folder.
        self._listed = {"": _Listing([TreeEntry(e.mode, e.object_id, e.size, e.path[len(folder) + 1 :]) for e in inside])}
        self._all: _Listing | None = None
        self._held: dict[str, bytes] = {}
        self._next = (_Listing([]), 0, 1)

    def read(self, file: str) -> bytes | None:
        listing = self._listing_around(file)
        entry = listing.find(file)
        if entry is None or _kind(entry) != "file":
            if entry is not None and _kind(entry) == "link":
                raise link_in_vault(file)
            return None
        if entry.size is None:
            raise _missing_object()
        require_size(file, entry.size)
        if file not in self._held:
            self._hold([entry, *self._following(listing, file)])
        return self._held[file]

    def walk(self, folder: str = "") -> list[FileEntry]:
        if not folder:
            if self._all is None:
                self._all = _Listing(_list(self._repository, self._tree, "", "", recursive=True))
            listing = self._all
        else:
            listing = self._listing_around(f"{folder}/")
            entry = listing.find(folder)
            if entry is not None and _kind(entry) == "link":
                raise link_in_vault(folder)
        entries = listing.entries if not folder else listing.below(folder)
        kinds = [(entry.path, _kind(entry)) for entry in entries]
        return [FileEntry(path, "other" if kind == "other" else kind) for path, kind in kinds if kind != "folder"]

    def _listing_around(self, path: str) -> _Listing:
        """A list in which a path would be, by way of real folders. Raises `LINK_IN_VAULT`."""
        if self._all is not None:
            listing = self._all
        else:
            parts = path.split("/")
            folder = "/".join(parts[: 2 if parts[0] == "secrets" and len(parts) > 2 else 1]) if len(parts) > 1 else ""
            top = self._listed[""].find(parts[0])
            if folder and top is not None and _kind(top) == "link":
                raise link_in_vault(path)
            if folder not in self._listed:
                self._listed[folder] = _Listing(_list(self._repository, self._tree, folder, folder, recursive=True))
            listing = self._listed[folder]
        for index, character in enumerate(path):
            entry = listing.find(path[:index]) if character == "/" else None
            if entry is not None and _kind(entry) == "link":
                raise link_in_vault(path)
        return listing

    def _following(self, listing: _Listing, file: str) -> list[TreeEntry]:
        """The files after this one, more of them each time, where one after the other is read."""
        if "/" not in file:
            return [entry for entry in listing.entries if "/" not in entry.path and classify(entry.path).kind != "stray"]
        index = listing.index(file)
        last, end, ahead = self._next
        is_in_order = last is listing and end <= index < end + _MAX_PASSED_OVER
        count = min(ahead * 16, _MAX_AHEAD_FILES) if is_in_order else 1
        self._next = (listing, index + count, count)
        return listing.entries[index + 1 : index + count]

    def _hold(self, entries: Sequence[TreeEntry]) -> None:
        """Keeps the contents of files for when they are asked for, in place of those that were kept before. The first is kept always."""
        wanted: dict[str, TreeEntry] = {}
        total = 0
        for entry in entries:
            if _kind(entry) != "file" or entry.size is None or entry.size > max_bytes_of(entry.path):
                continue
            total += entry.size + _MAX_HEADER_BYTES
            if wanted and total > _MAX_AHEAD_BYTES:
                break
            wanted[entry.path] = entry
        # What was kept before makes room first, as one file may be large.
        self._held = {}
        if len(wanted) == 1:
            ((path, entry),) = wanted.items()
            self._held[path] = self._repository.run(["cat-file", "blob", entry.object_id], max_bytes=entry.size)
            return
        limit = sum((entry.size or 0) + _MAX_HEADER_BYTES for entry in wanted.values())
        contents = read_contents(self._repository, [entry.object_id for entry in wanted.values()], limit)
        for path, content in zip(wanted, contents, strict=True):
            if content is None:
                raise _missing_object()
            self._held[path] = content


class _Listing:
    """Entries of a tree, sorted by path."""

    def __init__(self, entries: Sequence[TreeEntry]) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.path)
        self._paths = [entry.path for entry in self.entries]

    def index(self, path: str) -> int:
        return bisect_left(self._paths, path)

    def find(self, path: str) -> TreeEntry | None:
        index = self.index(path)
        return self.entries[index] if index < len(self.entries) and self._paths[index] == path else None

    def below(self, folder: str) -> list[TreeEntry]:
        # "0" is the character after "/".
        return self.entries[self.index(f"{folder}/") : self.index(f"{folder}0")]


def _kind(entry: TreeEntry) -> Literal["file", "link", "folder", "other"]:
    return _KINDS.get(entry.mode, "other")


def _list(repository: GitRepository, tree: str, path: str, folder: str, *, recursive: bool) -> list[TreeEntry]:
    """`folder` is for the error. Raises `TAMPERED` where there are more entries than a vault has."""
    try:
        entries = list_tree(repository, tree, path, MAX_LISTING_BYTES, recursive=recursive)
    except GitError as failure:
        raise (too_many_entries(folder) if failure.kind == "too_much_output" else failure) from None
    require_entries(folder, len(entries))
    for entry in entries:
        require_depth(entry.path)
    return entries


def _missing_object() -> VaultError:
    return error("GIT_FAILED", "git does not hold an object that it should.", "Run git fsck to see what is missing.")
