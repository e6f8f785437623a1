"""Keeps other processes from changing a vault meanwhile, by the same claims as the CLI's."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import secrets
import socket
import time
from collections.abc import Iterator

from .errors import error

#: How long a change waits for another one, in seconds.
_PATIENCE = 10.0
#: The start of a process that cannot be told.
_UNKNOWN = "0"


@contextlib.contextmanager
def write_lock(folder: str) -> Iterator[None]:
    """
    Each process that wants to write puts up a claim, a file of its own whose name says who it is, and then looks whether another living
    process has one up too. Where it sees one it takes its own down and tries again later. Raises `BUSY`, `UNWRITABLE`.
    """
    claim = _acquire(folder)
    try:
        yield
    finally:
        _remove(claim)


def wait_for_others(folder: str) -> bool:
    """Waits until no other living process has a claim up; whether that came to be. What cannot be looked at is nobody's."""
    deadline = time.monotonic() + _PATIENCE
    machine = _machine_id()
    while True:
        try:
            names = [name for name in os.listdir(folder) if name.startswith("claim.")]
        except OSError:
            return True
        if not any(_is_alive(name, machine, folder) for name in names):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(random.uniform(0.005, 0.056))


def _acquire(folder: str) -> str:
    machine = _machine_id()
    pid = os.getpid()
    claim = os.path.join(folder, f"claim.{machine}.{pid}.{_start_of(pid)}.{secrets.token_hex(6)}")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            os.makedirs(folder, exist_ok=True)
            os.close(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            others = [name for name in os.listdir(folder) if name.startswith("claim.") and os.path.join(folder, name) != claim]
        except OSError as failure:
            remedy = "Check the owner and the permissions of the folder, then try again."
            raise error("UNWRITABLE", f"{folder} could not be written.", remedy) from failure
        other = next((name for name in others if _is_alive(name, machine, folder)), None)
        if other is None:
            return claim
        _remove(claim)
        if time.monotonic() > deadline:
            raise error(
                "BUSY",
                "Another process is changing this vault.",
                f"Wait for it to end; if it runs on another machine and is gone, remove {os.path.join(folder, other)}.",
            )
        time.sleep(random.uniform(0.005, 0.056))


def _is_alive(name: str, machine: str, folder: str) -> bool:
    """Whether the process behind a claim lives; a dead one's claim is removed. What cannot be judged from here counts as alive."""
    words = name.split(".")
    if len(words) != 5 or words[1] != machine or not words[2].isdecimal():
        return True
    pid, start = int(words[2]), words[3]
    # A claim of this very process is another thread's.
    if pid == os.getpid() or (_exists(pid) and _start_of(pid) in (start, _UNKNOWN)):
        return True
    _remove(os.path.join(folder, name))
    return False


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


def _machine_id() -> str:
    """This machine and, in a container, its space of process ids."""
    marks = [socket.gethostname(), _text_of("/etc/machine-id"), _link_at("/proc/self/ns/pid")]
    return hashlib.sha256("\n".join(marks).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _start_of(pid: int) -> str:
    """When a process began, in the kernel's ticks since boot, which tells it from a later one with the same id."""
    stat = _text_of(f"/proc/{pid}/stat")
    if not stat:
        return _UNKNOWN
    fields = stat[stat.rindex(")") + 2 :].split(" ")
    return "ended" if fields[0] == "Z" else fields[19]


def _text_of(file: str) -> str:
    try:
        with open(file, encoding="latin-1") as opened:
            return opened.read().strip()
    except OSError:
        return ""


def _link_at(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _remove(claim: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(claim)
