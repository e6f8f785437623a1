"""Compares the files of a vault with its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import VaultError, error
from ..format.file_source import FileSource
from ..format.layout import ADDED_ENTRIES, CONFIG_FILE, GITATTRIBUTES_FILE
from .added_files import added_by
from .digest import digest_of, tree_list
from .digest_files import differing_files, digest_files, is_signed, tree_of
from .lock import Lock
from .tree_list_cache import TreeListCache

_MAX_NAMED = 5


class SignedFiles:
    """The files that a lock covers. A folder is read when the first of its files is asked for, so a read costs what its group costs."""

    def __init__(
        self,
        lock: Lock,
        source: FileSource,
        *,
        offered: bool = False,
        lists: TreeListCache | None = None,
        trees: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """
        `offered`: a remote offers the files; they are not in the work tree.

        `trees` says what is in some folders, by lists whose digests are the signed ones: these are not looked through.
        """
        self.lock = lock
        self._source = source
        self._offered = offered
        self._lists = lists
        self._trees: dict[str, Mapping[str, str]] = dict(trees or {})
        self._present: Mapping[str, str] | None = None
        self._added: Mapping[str, str] | None = None
        self._lookups: dict[str, Callable[[str], str | None]] = {}

    def require(self, file: str, content: bytes | None) -> None:
        """Refuses a file that differs from what was signed. `content` was just read, `None` for no such file. Raises `TAMPERED`."""
        if not is_signed(file):
            return
        if (None if content is None else digest_of(content)) != self._expected(file):
            raise self._tampered([file])

    def covers(self, file: str) -> bool:
        """Whether a file is among the signed ones. Raises `TAMPERED`."""
        return self._expected(file) is not None

    def require_all(self) -> None:
        """Refuses the vault if any file differs from what was signed. Raises `TAMPERED`."""
        entries = self._source.walk()
        present = digest_files(self._source, entries)
        # A .gitattributes in a folder of the vault overrides the signed one at its top, and could have git change files at checkout.
        nested = [entry.file for entry in entries if entry.file.endswith(f"/{GITATTRIBUTES_FILE}")]
        added = self._added_entries() if present.get(CONFIG_FILE) == self.lock.files.get(CONFIG_FILE) else None
        differing = [*differing_files(self.lock, added, present), *nested]
        if differing:
            raise self._tampered(differing)
        self._present = present

    def files_below(self, folder: str) -> list[str]:
        """The signed files below a folder such as `secrets`, sorted. Raises `TAMPERED`."""
        if self._present is not None:
            return sorted(file for file in self._present if file.startswith(f"{folder}/"))
        listed = [*self.lock.trees, *(self._added_entries() if folder in ADDED_ENTRIES else ())]
        trees = {tree for tree in listed if tree == folder or tree.startswith(f"{folder}/")}
        for entry in self._source.walk(folder):
            tree = tree_of(entry.file)
            if entry.kind == "file" and is_signed(entry.file) and tree is not None:
                trees.add(tree)
        return sorted(file for tree in trees for file in self._read_tree(tree))

    def list_of(self, tree: str) -> bytes:
        """The list of a signed folder's files, lines of `SHA256␠␠PATH`: its digest is in the lock. Raises `TAMPERED`."""
        return self._kept_list(tree) or tree_list({file[len(tree) + 1 :]: digest for file, digest in self._read_tree(tree).items()})

    def _expected(self, file: str) -> str | None:
        tree = tree_of(file)
        return self._entry(self.lock.files, file) if tree is None else self._digest_in(tree, file)

    def _kept_list(self, tree: str) -> bytes | None:
        digest = self._entry(self.lock.trees, tree)
        return self._lists.read(tree, digest) if self._lists and digest else None

    def _digest_in(self, tree: str, file: str) -> str | None:
        if self._present is not None:
            return self._present.get(file)
        if tree not in self._lookups:
            self._lookups[tree] = self._lookup_in(tree)
        return self._lookups[tree](file)

    def _lookup_in(self, tree: str) -> Callable[[str], str | None]:
        listing = self._kept_list(tree)
        if listing is None:
            return self._read_tree(tree).get

        def lookup(file: str) -> str | None:
            # Names have no spaces, so a match cannot be the end of a longer name.
            at = listing.find(f"  {file[len(tree) + 1 :]}\n".encode("ascii"))
            return None if at < 0 else f"sha256:{listing[at - 64 : at].decode('ascii')}"

        return lookup

    def _read_tree(self, tree: str) -> Mapping[str, str]:
        if tree in self._trees:
            return self._trees[tree]
        digests = digest_files(self._source, self._source.walk(tree))
        listing = tree_list({file[len(tree) + 1 :]: digest for file, digest in digests.items()})
        if (digest_of(listing) if digests else None) != self._entry(self.lock.trees, tree):
            raise self._tampered([f"{tree}/"])
        if self._lists:
            self._lists.keep(tree, listing, len(digests))
        self._trees[tree] = digests
        return digests

    def _entry(self, of_lock: Mapping[str, str], name: str) -> str | None:
        """The digest that is signed for a file at the top of the vault, or for a folder."""
        return (self._added_entries() if name in ADDED_ENTRIES else of_lock).get(name)

    def _added_entries(self) -> Mapping[str, str]:
        if self._added is None:
            self._added = added_by(self.lock, self._source.read(CONFIG_FILE))
        if self._added is None:
            raise self._tampered([CONFIG_FILE])
        return self._added

    def _tampered(self, names: list[str]) -> VaultError:
        if not self._offered:
            return tampered(names)
        return error(
            "TAMPERED",
            f"The remote offers files that differ from what the vault's owner signed: {_listed(names)}.",
            "Nothing was pulled. See who changed them (git log @{upstream}), and ask an owner to correct them.",
        )


def tampered(names: list[str]) -> VaultError:
    """The error of files in the work tree that are not what was signed."""
    return error(
        "TAMPERED",
        f"Files of the vault differ from what its owner signed: {_listed(names)}.",
        "Do not use it. See who changed them (git log, git status), and restore the signed files: git checkout COMMIT -- .agent-vault.",
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more
