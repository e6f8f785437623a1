"""Signatures in OpenSSH's format (PROTOCOL.sshsig), made by Ed25519 keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from ..errors import VaultError, error

#: The purpose of our signatures. A signature for another purpose is refused (PROTOCOL.sshsig, section 2).
NAMESPACE = b"agent-vault"

_KEY_TYPE = b"ssh-ed25519"
_MAGIC = b"SSHSIG"
_HASH = b"sha512"
_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_END = b"-----END SSH SIGNATURE-----"
_MAX_BYTES = 4096
_WHITE_SPACE = b"\t\n\v\f\r "


@dataclass(frozen=True)
class SshSignature:
    """A signature that was read and not verified yet. `key` is the key that claims to have made it, `ssh-ed25519 AAAA...`."""

    key: str
    signature: bytes


def format_ssh_public_key(point: bytes) -> str:
    """`ssh-ed25519 AAAA...` for the 32 bytes of an Ed25519 public key."""
    return f"ssh-ed25519 {base64.b64encode(_string(_KEY_TYPE) + _string(point)).decode('ascii')}"


def parse_ssh_public_key(text: str) -> str | None:
    """Reads `ssh-ed25519 AAAA...` and drops a comment after it; `None` if this is not an Ed25519 key."""
    parts = text.split()
    if len(parts) < 2 or parts[0] != "ssh-ed25519":
        return None
    point = _point_of(_base64(parts[1].encode("ascii", "replace")))
    key = point and format_ssh_public_key(point)
    return key if key == f"{parts[0]} {parts[1]}" else None


def fingerprint(key: str) -> str:
    """SHA-256 of the key as `ssh-keygen -l` prints it: `SHA256:...`."""
    digest = hashlib.sha256(_blob_of(key)).digest()
    return f"SHA256:{base64.b64encode(digest).decode('ascii').rstrip('=')}"


def parse_signature(armored: bytes) -> SshSignature:
    """Reads an armored signature of our namespace by an Ed25519 key. Raises `BAD_SIGNATURE`."""
    if len(armored) > _MAX_BYTES:
        raise bad_signature("it is too large for a signature")
    lines = armored.rstrip(_WHITE_SPACE).replace(b"\r\n", b"\n").split(b"\n")
    if lines[0] != _BEGIN or lines[-1] != _END:
        raise bad_signature("it is not an SSH signature")
    blob = _base64(b"".join(lines[1:-1]))
    if blob is None:
        raise bad_signature("it is not an SSH signature")
    reader = _Reader(blob)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.number() != 1:
        raise bad_signature("it is not an SSH signature")
    point = _point_of(reader.string())
    if point is None:
        raise bad_signature("it was not made by an Ed25519 key")
    if reader.string() != NAMESPACE:
        raise bad_signature("it was made for another purpose")
    reader.string()
    if reader.string() != _HASH:
        raise bad_signature("it does not use SHA-512")
    inner = _Reader(reader.string())
    kind, signature = inner.string(), inner.string()
    if kind != _KEY_TYPE or len(signature) != 64 or not inner.ended or not reader.ended:
        raise bad_signature("it is not an Ed25519 signature")
    return SshSignature(format_ssh_public_key(point), signature)


def is_signature_of(signed: SshSignature, message: bytes) -> bool:
    """Whether `message` was signed by the key that the signature names."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    point = _point_of(_blob_of(signed.key))
    assert point is not None
    data = b"".join((_MAGIC, _string(NAMESPACE), _string(b""), _string(_HASH), _string(hashlib.sha512(message).digest())))
    try:
        Ed25519PublicKey.from_public_bytes(point).verify(signed.signature, data)
    except InvalidSignature:
        return False
    return True


def bad_signature(reason: str) -> VaultError:
    return error(
        "BAD_SIGNATURE",
        f"The signature of the vault's state is not valid: {reason}.",
        "Do not use this copy, because it may have been changed. Ask an owner, and see with git log where it comes from.",
    )


def _blob_of(key: str) -> bytes:
    return base64.b64decode(key.split(" ")[1])


def _point_of(blob: bytes | None) -> bytes | None:
    """The 32 bytes of a public key's blob, or `None` if it is not an Ed25519 key."""
    try:
        reader = _Reader(blob or b"")
        kind, point = reader.string(), reader.string()
    except VaultError:
        return None
    return point if kind == _KEY_TYPE and len(point) == 32 and reader.ended else None


def _base64(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _string(value: bytes) -> bytes:
    """A string of the SSH protocol (RFC 4251, section 5): its length, then its bytes."""
    return len(value).to_bytes(4, "big") + value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._offset = 0

    @property
    def ended(self) -> bool:
        return self._offset == len(self._content)

    def take(self, length: int) -> bytes:
        end = self._offset + length
        if end > len(self._content):
            raise bad_signature("it ends too early")
        taken = self._content[self._offset : end]
        self._offset = end
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        return self.take(self.number())
