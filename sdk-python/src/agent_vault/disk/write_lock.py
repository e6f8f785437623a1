"""Keeps other processes from changing a vault at the same time. The command line and the Node SDK use the same claims."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import threading
import time
from collections.abc import Iterator

from ..errors import error
from .process_alive import is_alive, machine_id, process_start

#: How long a writer waits for another one.
LOCK_TIMEOUT_S = 10.0
#: How often a holder renews its claim while it works.
RENEWAL_S = 10.0
#: A claim of another machine or container that was not renewed for this long belongs to a process that is gone.
MAX_CLAIM_AGE_S = 60.0
_MIN_RETRY_S = 0.005
_MAX_RETRY_S = 0.056


@contextlib.contextmanager
def write_lock(folder: str, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
    """
    Holds the write lock of `folder` for the body of a `with`.

    A process that wants to write creates a claim, a file whose name says which process it is, and then checks whether another running
    process has a claim too. If one has, it removes its own and tries again later, for up to `timeout_s`. While the
    body runs the claim is renewed, which tells other machines and containers that its process is running. Raises `BUSY`, `UNWRITABLE`.
    """
    claim = _acquire(folder, timeout_s)
    done = threading.Event()
    threading.Thread(target=_renew, args=(claim, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        _remove(claim)


def wait_for_others(folder: str) -> bool:
    """Waits until no other running process has a claim. `False` after `LOCK_TIMEOUT_S`. A folder that cannot be read has no claims."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    machine = machine_id()
    while True:
        try:
            claims = _claims(folder)
        except OSError:
            return True
        if not any(_is_held(claim, machine, folder, time.time()) for claim in claims):
            return True
        if time.monotonic() > deadline:
            return False
        _pause()


def _acquire(folder: str, timeout_s: float) -> str:
    machine = machine_id()
    pid = os.getpid()
    claim = f"claim.{machine}.{pid}.{process_start(pid)}.{secrets.token_hex(6)}"
    path = os.path.join(folder, claim)
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            os.makedirs(folder, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            others = [other for other in _claims(folder) if other != claim]
            # The clock of the file system that all claims lie in: clocks of machines differ.
            now = os.stat(path).st_mtime
        except OSError as failure:
            remedy = "Check the owner and the permissions of the folder, then try again."
            raise error("UNWRITABLE", f"{folder} could not be written.", remedy) from failure
        holder = next((other for other in others if _is_held(other, machine, folder, now)), None)
        if holder is None:
            return path
        _remove(path)
        if time.monotonic() > deadline:
            raise error(
                "BUSY",
                "Another process is changing this vault.",
                "Wait for it to end. If it ran on another machine and is gone, this ends by itself within a minute; "
                f"its claim is {os.path.join(folder, holder)}.",
            )
        _pause()


def _claims(folder: str) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith("claim.")]


def _is_held(claim: str, machine: str, folder: str, now: float) -> bool:
    """Whether the process behind a claim is running; the claim of one that ended is removed. Of another machine, its age tells."""
    parts = claim.split(".")
    path = os.path.join(folder, claim)
    if len(parts) != 5 or parts[1] != machine or not parts[2].isdecimal():
        try:
            held = now - os.stat(path).st_mtime < MAX_CLAIM_AGE_S
        except OSError:
            return False
    else:
        pid, start = int(parts[2]), parts[3]
        # A claim of this very process belongs to another thread.
        held = pid == os.getpid() or is_alive(pid, start)
    if not held:
        _remove(path)
    return held


def _renew(path: str, done: threading.Event) -> None:
    while not done.wait(RENEWAL_S):
        # One more byte makes the file system set the time.
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(fd, b".")
            finally:
                os.close(fd)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _pause() -> None:
    time.sleep(random.uniform(_MIN_RETRY_S, _MAX_RETRY_S))
