"""Strict UTF-8."""

from __future__ import annotations

import os


def decode_utf8(content: bytes) -> str | None:
    """The text of `content`, or `None` if it is not UTF-8. Nothing is replaced or dropped."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # The exception quotes the bytes, which may be a secret.
        return None


def readable(name: str) -> str:
    """The name of a file or ref as text, with U+FFFD for bytes that are none, as Node reads it."""
    return os.fsencode(name).decode("utf-8", "replace")
