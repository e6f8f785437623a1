"""The files of a vault on disk."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from ..errors import VaultError, error
from ..format.file_source import FileEntry
from .limits import require_depth, require_entries, require_size


class VaultFolder:
    """The vault's folder on disk. No link below it is followed, at any depth: a link instead of a file or folder is `LINK_IN_VAULT`."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._checked_folders: set[str] = set()

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
            require_size(file, status.st_size)
            return _read_all(descriptor, status.st_size)
        except OSError as failure:
            raise _unreadable(failure, file) from failure
        finally:
            os.close(descriptor)

    def walk(self, folder: str = "") -> list[FileEntry]:
        try:
            entries: list[FileEntry] = []
            for entry in self._entries(folder) if self._check_folder(folder) else ():
                entries.append(entry)
                require_entries(folder, len(entries))
        except OSError as failure:
            raise _unreadable(failure, folder or ".") from failure
        return sorted(entries, key=lambda entry: entry.file)

    def _entries(self, folder: str) -> Iterator[FileEntry]:
        require_depth(folder)
        with os.scandir(os.path.join(self.root, folder)) as found:
            for entry in found:
                file = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_symlink():
                    yield FileEntry(file, "link")
                elif entry.is_dir(follow_symlinks=False):
                    yield from self._entries(file)
                else:
                    yield FileEntry(file, "file" if entry.is_file(follow_symlinks=False) else "other")

    def _check_folder(self, folder: str) -> bool:
        """Whether a folder exists, with no link on the way to it."""
        if folder in self._checked_folders:
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
        self._checked_folders.add(folder)
        return True


def _read_all(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


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
