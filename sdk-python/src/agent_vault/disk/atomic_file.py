"""Writes files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets


def write_atomically(file: str, content: bytes, *, durable: bool = False) -> None:
    """
    Replaces a file by a new one of mode 0600. A reader sees either the old content or all of the new.

    Missing folders are created with mode 0700. With `durable` the content is on disk before the file gets its name. Raises `OSError`, and
    then leaves nothing behind.
    """
    draft = f"{file}.{secrets.token_hex(6)}"
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
            if durable:
                opened.flush()
                os.fsync(opened.fileno())
        os.replace(draft, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
