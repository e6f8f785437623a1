"""Writes lines of the audit log to a file or to standard error."""

from __future__ import annotations

import errno
import os

from ..disk.write_whole import write_whole
from ..errors import error, write_error

_STANDARD_ERROR = 2


def append_line(file: str, line: str) -> None:
    """Appends a line; a missing file is created with mode 0600. On return the disk holds it. Raises `UNWRITABLE`, `DISK_FULL`."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            write_whole(descriptor, line.encode("utf-8"))
            try:
                os.fsync(descriptor)
            except OSError as failure:
                # A device or a pipe has no disk.
                if failure.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):
                    raise
        finally:
            os.close(descriptor)
    except OSError as failure:
        raise write_error(failure, file) from failure


def write_to_standard_error(line: str) -> None:
    """Raises `LEDGER_UNAVAILABLE` if nothing takes it."""
    try:
        write_whole(_STANDARD_ERROR, line.encode("utf-8"))
    except OSError as failure:
        raise error(
            "LEDGER_UNAVAILABLE",
            "Standard error takes nothing, so the use is not on record.",
            "Check where it goes, or set AGENT_VAULT_AUDIT to file:PATH.",
        ) from failure
