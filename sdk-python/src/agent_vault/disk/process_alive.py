"""Whether a process of this machine is still running."""

from __future__ import annotations

import hashlib
import os
import socket

#: The start time of a process if the system does not tell it.
UNKNOWN_START = "0"


def is_alive(pid: int, start: str) -> bool:
    """Whether the process `pid` that began at `start` is running. If this cannot be determined, it counts as running."""
    return _exists(pid) and process_start(pid) in (start, UNKNOWN_START)


def process_start(pid: int) -> str:
    """When a process began, in clock ticks since boot. A later process with the same id has another start."""
    stat = _read_text(f"/proc/{pid}/stat")
    if not stat:
        return UNKNOWN_START
    fields = stat[stat.rindex(")") + 2 :].split(" ")
    return "ended" if fields[0] == "Z" else fields[19]


def machine_id() -> str:
    """Identifies this machine and, in a container, its process id namespace: twelve hexadecimal digits."""
    parts = [socket.gethostname(), _read_text("/etc/machine-id"), _read_link("/proc/self/ns/pid")]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _exists(pid: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _read_text(file: str) -> str:
    try:
        with open(file, encoding="latin-1") as opened:
            return opened.read().strip()
    except OSError:
        return ""


def _read_link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
