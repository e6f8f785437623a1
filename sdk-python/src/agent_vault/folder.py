"""Where the files of a vault come from."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import Protocol

from .errors import VaultError, error
from .layout import CONFIG_FILE, MANIFEST_FILE, VAULT_FOLDER


@dataclass(frozen=True)
class FileEntry:
    """An entry of a vault: `file` is relative to its folder, with `/`; `kind` is `file`, `link` or `other`."""

    file: str
    kind: str


class FileSource(Protocol):
    """The files of a vault: its folder on disk, or a commit."""

    @property
    def root(self) -> str: ...

    def read(self, file: str) -> bytes | None:
        """The bytes of a file, or `None` when there is none. Raises `LINK_IN_VAULT`, `DAMAGED`, `FAILED`."""

    def walk(self, folder: str = "") -> list[FileEntry]:
        """All entries below a folder but folders, sorted. Raises `LINK_IN_VAULT`."""


class VaultFolder:
    """The vault's folder on disk. No link is followed below it, at any depth: where a file or folder should be it is `LINK_IN_VAULT`."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._plain_folders: set[str] = set()

    def read(self, file: str) -> bytes | None:
        path = os.path.join(self.root, file)
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            if not self._check_folder(file.rpartition("/")[0]):
                return None
            if not hasattr(os, "O_NOFOLLOW") and os.path.islink(path):
                raise link_in_vault(file)
            descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))
        except OSError as failure:
            if failure.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            if failure.errno in (errno.ELOOP, errno.EMLINK):
                raise link_in_vault(file) from None
            raise _unreadable(failure, file) from failure
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _not_a_file(file)
            return _read_all(descriptor, status.st_size)
        except OSError as failure:
            raise _unreadable(failure, file) from failure
        finally:
            os.close(descriptor)

    def walk(self, folder: str = "") -> list[FileEntry]:
        entries: list[FileEntry] = []

        def visit(relative: str) -> None:
            with os.scandir(os.path.join(self.root, relative)) as found:
                for entry in found:
                    file = f"{relative}/{entry.name}" if relative else entry.name
                    if entry.is_symlink():
                        entries.append(FileEntry(file, "link"))
                    elif entry.is_dir(follow_symlinks=False):
                        visit(file)
                    else:
                        entries.append(FileEntry(file, "file" if entry.is_file(follow_symlinks=False) else "other"))

        try:
            if self._check_folder(folder):
                visit(folder)
        except OSError as failure:
            raise _unreadable(failure, folder or ".") from failure
        return sorted(entries, key=lambda entry: entry.file)

    def _check_folder(self, folder: str) -> bool:
        """Whether the folder exists, each part of it a real folder."""
        if folder in self._plain_folders:
            return True
        if folder and not self._check_folder(folder.rpartition("/")[0]):
            return False
        try:
            mode = os.lstat(os.path.join(self.root, folder)).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        if stat.S_ISLNK(mode):
            raise link_in_vault(folder or ".")
        if not stat.S_ISDIR(mode):
            return False
        self._plain_folders.add(folder)
        return True


def _read_all(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def find_vault(start: str) -> str:
    """
    The vault's folder for an absolute path: in it, or in the nearest folder above.

    Raises `VAULT_NOT_FOUND`, `LINK_IN_VAULT` where the folder itself is a link.
    """
    folder = start
    while True:
        root = os.path.join(folder, VAULT_FOLDER)
        if os.path.islink(root):
            raise link_in_vault(root)
        # The folder of keys at home has the same name and no manifest.
        if os.path.isdir(root) and any(os.path.lexists(os.path.join(root, file)) for file in (MANIFEST_FILE, CONFIG_FILE)):
            return root
        above = os.path.dirname(folder)
        if above == folder:
            raise error(
                "VAULT_NOT_FOUND",
                f"There is no vault in {start} or above it.",
                "Name the repository that holds one, or make one with agent-vault init.",
            )
        folder = above


def may_have_remote(folder: str) -> bool:
    """Looks for a remote in the repository's own configuration, without git: most reads end here."""
    while True:
        git = os.path.join(folder, ".git")
        if os.path.isdir(git) and not os.path.islink(git):
            try:
                with open(os.path.join(git, "config"), "rb") as opened:
                    return b"[remote " in opened.read()
            except OSError:
                # What cannot be read here is left to git and its words.
                return True
        if os.path.lexists(git):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


def link_in_vault(file: str) -> VaultError:
    return error(
        "LINK_IN_VAULT",
        f"{file} in the vault is a link, and links in a vault are never followed.",
        "Find out who put it there, and remove it or restore the file from git.",
    )


def _not_a_file(file: str) -> VaultError:
    return error("DAMAGED", f"{file} in the vault is not a regular file.", "Remove it, or restore the file from git.")


def _unreadable(failure: OSError, file: str) -> VaultError:
    name = errno.errorcode.get(failure.errno or 0, "unknown")
    return error("FAILED", f"{file} in the vault could not be read ({name}).", "Check the permissions of the vault's folder.")
