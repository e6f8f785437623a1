"""Writes rows of the audit log where there is no database."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..age.identity import Identity
from ..context import home_folder
from ..disk.atomic_file import create_atomically, make_private_folder, sync_folder
from ..disk.process_alive import machine_id, process_start
from ..disk.write_whole import write_whole
from ..errors import VaultError, error, write_error
from ..record.audit_event import AuditRow, format_spool_row, now
from .segment import SegmentHeader, seal_header, seal_line

#: A writer goes on in a new segment from here on.
_MAX_SEGMENT_BYTES = 16 * 1024 * 1024
_MAX_ATTEMPTS = 3
_APPEND = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)


@dataclass
class _Segment:
    file: str
    inode: int
    key: bytes
    header_line: str
    #: How many lines it has, the first included, and how many bytes.
    lines: int
    size: int


class SpoolWriter:
    """Writes the rows of one identity to a vault's spool. Each process has a segment of its own, also after a fork."""

    def __init__(self, home: str, vault: str, identity: Identity) -> None:
        self._folder = os.path.join(home, "ledger", f"{vault}.spool")
        self._vault = vault
        self._identity = identity
        self._segment: _Segment | None = None
        self._lock = threading.Lock()

    def append(self, row: AuditRow, recipients: Callable[[], Sequence[str]]) -> None:
        """
        Appends a row. On return the disk holds it. `recipients` are asked for with each new segment: the owners and the own one.

        Raises `UNWRITABLE`, `DISK_FULL`, `LEDGER_FOLDER`, `LEDGER_UNAVAILABLE`, and what `recipients` raises: then nothing was recorded.
        """
        with self._lock:
            for _ in range(_MAX_ATTEMPTS):
                segment = self._segment or self._begin(recipients())
                self._segment = segment
                if self._write(segment, seal_line(segment.key, segment.header_line, segment.lines + 1, format_spool_row(row))):
                    return
                # It was taken in and closed meanwhile, as that of a process that seemed to be gone.
                self._segment = None
        raise error(
            "UNWRITABLE",
            f"{self._folder} loses what is written to it.",
            "Find out what deletes its files, or choose another AGENT_VAULT_HOME.",
        )

    def _write(self, segment: _Segment, line: str) -> bool:
        """`False` if the segment is no longer the one that was begun."""
        try:
            descriptor = os.open(segment.file, _APPEND)
        except FileNotFoundError:
            return False
        except OSError as failure:
            raise write_error(failure, segment.file) from failure
        try:
            status = os.fstat(descriptor)
            if (status.st_ino, status.st_size) != (segment.inode, segment.size):
                return False
            content = f"{line}\n".encode("ascii")
            try:
                write_whole(descriptor, content)
                os.fsync(descriptor)
            except OSError as failure:
                self._segment = None
                # As well as may be: a line without its line feed is read as none.
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, segment.size)
                raise write_error(failure, segment.file) from failure
            if _inode(segment.file) != segment.inode:
                return False
        finally:
            os.close(descriptor)
        segment.lines += 1
        segment.size += len(content)
        if segment.size >= _MAX_SEGMENT_BYTES:
            self._segment = None
        return True

    def _begin(self, recipients: Sequence[str]) -> _Segment:
        ledger = os.path.dirname(self._folder)
        for folder in (ledger, self._folder):
            _require_private_folder(folder)
        header = SegmentHeader(
            vault=self._vault,
            segment=secrets.token_hex(16),
            key=secrets.token_bytes(32),
            machine=_machine(ledger),
            pid=os.getpid(),
            start=process_start(os.getpid()),
            host=machine_id(),
            started=now(),
            identity=self._identity.recipient(),
        )
        line = seal_header(header, recipients, self._identity)
        file = os.path.join(self._folder, header.segment)
        try:
            descriptor = os.open(file, _APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                content = f"{line}\n".encode("ascii")
                write_whole(descriptor, content)
                os.fsync(descriptor)
                sync_folder(self._folder)
                return _Segment(file, os.fstat(descriptor).st_ino, header.key, line, 1, len(content))
            finally:
                os.close(descriptor)
        except OSError as failure:
            raise write_error(failure, file) from failure


_writers: dict[tuple[str, str, str], SpoolWriter] = {}
_guard = threading.Lock()


def spool_writer(env: Mapping[str, str], vault: str, identity: Identity) -> SpoolWriter:
    """The writer of this process for a vault and an identity."""
    key = (home_folder(env), vault, identity.recipient())
    with _guard:
        return _writers.setdefault(key, SpoolWriter(key[0], vault, identity))


def _forget_after_fork() -> None:
    """A child writes segments of its own, and no thread of its parent holds a lock in it."""
    global _guard
    _guard = threading.Lock()
    _writers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def _machine(ledger: str) -> str:
    """The name of this home folder among those whose spools an owner collects: random, made with the first segment."""
    file = os.path.join(ledger, "machine")
    for _ in range(2):
        try:
            with open(file, encoding="latin-1") as opened:
                found = re.fullmatch(r"(m[0-9a-f]{16})\n", opened.read(64))
        except FileNotFoundError:
            found = None
            try:
                create_atomically(file, f"m{secrets.token_hex(8)}\n".encode("ascii"))
            except OSError as failure:
                raise write_error(failure, file) from failure
            continue
        except OSError as failure:
            raise write_error(failure, file) from failure
        if found:
            return found[1]
        break
    raise _unfit(file, "is not what names this machine")


def _require_private_folder(folder: str) -> None:
    try:
        make_private_folder(folder)
        status = os.lstat(folder)
        if not os.path.isdir(folder) or os.path.islink(folder):
            raise _unfit(folder, "is not a folder")
        if os.name == "posix":
            if status.st_uid != os.getuid():
                raise _unfit(folder, "belongs to another user")
            if status.st_mode & 0o077:
                os.chmod(folder, 0o700)
    except OSError as failure:
        raise write_error(failure, folder) from failure


def _unfit(path: str, why: str) -> VaultError:
    return error(
        "LEDGER_FOLDER",
        f"{path} {why}, so the audit log cannot be kept in it.",
        "Find out who put it there and move it away, or choose another AGENT_VAULT_HOME.",
    )


def _inode(file: str) -> int | None:
    try:
        return os.lstat(file).st_ino
    except OSError:
        return None
