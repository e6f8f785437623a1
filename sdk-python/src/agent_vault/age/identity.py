"""Private keys to decrypt with."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from ..errors import error
from . import bech32

if TYPE_CHECKING:
    import pyrage

_X25519 = "AGE-SECRET-KEY-"
_POST_QUANTUM = "AGE-SECRET-KEY-PQ-"


class Identity:
    """An age identity. Printing it shows its kind, not the key."""

    __slots__ = ("_secret", "_text", "is_post_quantum")

    def __init__(self, text: str) -> None:
        """Raises `INVALID_KEY`, whose message does not quote `text`."""
        secret = bech32.decode(text, _POST_QUANTUM)
        self.is_post_quantum = secret is not None
        secret = secret or bech32.decode(text, _X25519)
        if secret is None or len(secret) != 32:
            raise error(
                "INVALID_KEY",
                "This is not an age identity: its spelling, length or checksum is wrong.",
                "An identity is one line that starts with AGE-SECRET-KEY-1 or AGE-SECRET-KEY-PQ-1. Copy the whole line.",
            )
        self._secret = secret
        self._text = text

    def __repr__(self) -> str:
        return "Identity(post-quantum)" if self.is_post_quantum else "Identity(x25519)"

    def __reduce__(self) -> str:
        raise TypeError("A key cannot be copied or pickled.")

    def to_pyrage(self) -> pyrage.x25519.Identity:
        import pyrage

        return pyrage.x25519.Identity.from_str(self._text)

    def recipient(self) -> str:
        """The public part of an X25519 key, `age1...`."""
        return str(self.to_pyrage().to_public())

    def derive(self, salt: bytes, info: bytes) -> bytes:
        """32 bytes derived from the key for another purpose, by HKDF-SHA-256 (RFC 5869)."""
        pseudorandom_key = hmac.digest(salt, self._secret, hashlib.sha256)
        return hmac.digest(pseudorandom_key, info + b"\x01", hashlib.sha256)
