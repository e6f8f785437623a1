"""Writes all of some bytes."""

from __future__ import annotations

import os
import time

_MAX_WAIT_S = 5.0


def write_whole(descriptor: int, content: bytes) -> None:
    """A pipe whose reader is slow takes more after a while. Raises `OSError`."""
    deadline = time.monotonic() + _MAX_WAIT_S
    written = 0
    while written < len(content):
        try:
            written += os.write(descriptor, content[written:])
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
