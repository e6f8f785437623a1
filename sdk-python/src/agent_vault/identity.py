"""Private keys to decrypt with."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from . import bech32
from .errors import error
from .ssh_signature import format_ssh_public_key

if TYPE_CHECKING:
    import pyrage

_SIGNING = b"agent-vault/v1/owner-signing"
_X25519 = "AGE-SECRET-KEY-"
_POST_QUANTUM = "AGE-SECRET-KEY-PQ-"


class Identity:
    """An age identity. Printing it shows its kind and no key."""

    __slots__ = ("_secret", "_text", "is_post_quantum")

    def __init__(self, text: str) -> None:
        """Raises `INVALID_KEY`, which shows nothing of `text`."""
        secret = bech32.decode(text, _POST_QUANTUM)
        self.is_post_quantum = secret is not None
        secret = secret or bech32.decode(text, _X25519)
        if secret is None or len(secret) != 32:
            raise error(
                "INVALID_KEY",
                "This is not an age identity: its spelling, length or checksum is wrong.",
                "An identity is one line that starts with AGE-SECRET-KEY-1 or AGE-SECRET-KEY-PQ-1; copy it whole.",
            )
        self._secret = secret
        self._text = text

    def __repr__(self) -> str:
        return "Identity(post-quantum)" if self.is_post_quantum else "Identity(x25519)"

    def __reduce__(self) -> str:
        raise TypeError("A key is never written anywhere.")

    def age(self) -> pyrage.x25519.Identity:
        import pyrage

        return pyrage.x25519.Identity.from_str(self._text)

    def signing_key(self, vault: str) -> str:
        """The public half of the key with which its holder would sign the states of a vault: HKDF-SHA-256 (RFC 5869), salted by the id."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        pseudorandom_key = hmac.digest(vault.encode("ascii"), self._secret, hashlib.sha256)
        seed = hmac.digest(pseudorandom_key, _SIGNING + b"\x01", hashlib.sha256)
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        return format_ssh_public_key(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
