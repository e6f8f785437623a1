"""Strict UTF-8."""

from __future__ import annotations


def decode_utf8(content: bytes) -> str | None:
    """The text of `content`, or `None` if it is not UTF-8. Nothing is replaced or dropped."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # The exception quotes the bytes, which may be a secret.
        return None
