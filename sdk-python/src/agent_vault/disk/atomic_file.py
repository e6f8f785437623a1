"""Writes files whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator


def write_atomically(file: str, content: bytes, *, durable: bool = False) -> None:
    """
    Replaces a file by a new one of mode 0600. A reader sees either the old content or all of the new.

    Missing folders are created with mode 0700. With `durable` the disk holds the file and its name on return. Raises `OSError`, and
    then leaves nothing behind.
    """
    with _draft(file, content, durable=durable) as draft:
        os.replace(draft, file)


def create_atomically(file: str, content: bytes) -> None:
    """As a durable `write_atomically`, but a file that exists is left as it is."""
    with _draft(file, content, durable=True) as draft, contextlib.suppress(FileExistsError):
        os.link(draft, file)


def make_private_folder(folder: str) -> None:
    """Creates a folder and those above it that are missing, with mode 0700. Raises `OSError`."""
    above = os.path.dirname(folder)
    if above != folder and not os.path.isdir(above):
        make_private_folder(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)


@contextlib.contextmanager
def _draft(file: str, content: bytes, *, durable: bool) -> Iterator[str]:
    draft = f"{file}.agent-vault-{secrets.token_hex(6)}"
    make_private_folder(os.path.dirname(file))
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
            if durable:
                opened.flush()
                os.fsync(opened.fileno())
        yield draft
        if durable:
            sync_folder(os.path.dirname(file))
    finally:
        with contextlib.suppress(OSError):
            os.unlink(draft)


def sync_folder(folder: str) -> None:
    """Makes a new name in a folder outlast a loss of power, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
