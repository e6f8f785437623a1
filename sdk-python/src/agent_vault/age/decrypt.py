"""Decrypts age files."""

from __future__ import annotations

from collections.abc import Sequence

from .identity import Identity
from .invalid_file import invalid_file

_ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
#: How pyrage says that a file is whole and is encrypted for other keys. It has one exception for all that can go wrong.
_OTHER_RECIPIENTS = "No matching keys found"


def decrypt(ciphertext: bytes, identities: Sequence[Identity], secret: str) -> bytes | None:
    """
    The plaintext of an age file, binary or armored; `None` if it is encrypted for other keys than `identities`.

    `secret` names it in an error. Raises `DAMAGED`.
    """
    import pyrage

    try:
        plaintext: bytes = pyrage.decrypt(trim_armor(ciphertext), [identity.to_pyrage() for identity in identities])
    except pyrage.DecryptError as failure:
        if str(failure) == _OTHER_RECIPIENTS:
            return None
        raise invalid_file(secret, str(failure).partition("\n")[0].rstrip(".")) from None
    return plaintext


def trim_armor(file: bytes) -> bytes:
    """An age file as pyrage reads it: without the white space that may be before its armor."""
    trimmed = file.lstrip(b"\t\n\v\f\r ")
    return trimmed if trimmed.startswith(_ARMOR) else file
