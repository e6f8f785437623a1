"""The files of a vault in a commit."""

from __future__ import annotations

from typing import Literal

from ..errors import error
from ..format.file_source import FileEntry
from ..git.objects import list_tree, read_objects
from ..git.repository import GitRepository
from .vault_folder import link_in_vault

_KINDS: dict[str, Literal["file", "link"]] = {"100644": "file", "100755": "file", "120000": "link"}


class CommitFiles:
    """A vault's files in one commit. All are read at once, for a look at a whole vault."""

    def __init__(self, repository: GitRepository, revision: str, root: str) -> None:
        """Raises `VAULT_NOT_FOUND` if the commit has no vault at `root`, `GIT_FAILED` for an unknown revision."""
        self.root = root
        folder = f"{repository.path_of(root)}/"
        entries = list_tree(repository, revision, folder)
        if not entries:
            raise error("VAULT_NOT_FOUND", f"{revision} has no vault in {folder}.", "Name another commit.")
        listed = [(FileEntry(entry.path[len(folder) :], _KINDS.get(entry.mode, "other")), entry.object_id) for entry in entries]
        files = [(entry.file, object_id) for entry, object_id in listed if entry.kind == "file"]
        contents = read_objects(repository, [object_id for _, object_id in files])
        self._contents = {file: content for (file, _), content in zip(files, contents, strict=True)}
        self._entries = sorted((entry for entry, _ in listed), key=lambda entry: entry.file)

    def read(self, file: str) -> bytes | None:
        content = self._contents.get(file)
        links = (entry.file for entry in self._entries if entry.kind == "link")
        if content is None and any(file == link or file.startswith(f"{link}/") for link in links):
            raise link_in_vault(file)
        return content

    def walk(self, folder: str = "") -> list[FileEntry]:
        return [entry for entry in self._entries if not folder or entry.file.startswith(f"{folder}/")]


class CommitTop:
    """The files at the top of a vault in a commit that say which state it is, without the files that they cover."""

    def __init__(self, repository: GitRepository, revision: str, root: str, files: tuple[str, ...]) -> None:
        self.root = root
        folder = repository.path_of(root)
        contents = read_objects(repository, [f"{revision}:{folder}/{file}" for file in files])
        self._contents = dict(zip(files, contents, strict=True))

    def read(self, file: str) -> bytes | None:
        return self._contents.get(file)

    def walk(self, folder: str = "") -> list[FileEntry]:
        return [] if folder else [FileEntry(file, "file") for file, content in sorted(self._contents.items()) if content is not None]
