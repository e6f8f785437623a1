"""The lines of a segment. Node writes and reads the same bytes: fixtures/spool."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..age.identity import Identity
from ..errors import error
from ..record.audit_event import to_json

FORMAT = "avspool1"
_INFO = b"agent-vault/v1/spool"
#: A row's length is hidden up to this many bytes.
_PADDING = 256


@dataclass(frozen=True)
class SegmentHeader:
    """What the first line of a segment holds."""

    vault: str
    #: 32 hexadecimal digits.
    segment: str
    #: The key of its rows, 32 bytes.
    key: bytes = field(repr=False)
    #: The home folder that it is written in.
    machine: str
    pid: int
    #: When the process began.
    start: str
    #: The machine and the space of process ids.
    host: str
    #: RFC 3339, UTC.
    started: str
    #: The recipient of the identity that is used.
    identity: str


def seal_header(header: SegmentHeader, recipients: Sequence[str], prover: Identity) -> str:
    """The first line, without its line feed: an age file to `recipients`. Raises `LEDGER_UNAVAILABLE` for a kind unknown to pyrage."""
    import pyrage

    try:
        keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
    except pyrage.RecipientError:
        raise unknown_recipient() from None
    file = pyrage.encrypt(format_header(header, proof_of(header, prover)).encode("utf-8"), keys)
    return f"{FORMAT} {header.vault} {header.segment} {_encode(file)}"


def format_header(header: SegmentHeader, proof: str) -> str:
    """What the age file holds: one line of JSON."""
    writer = {"pid": header.pid, "start": header.start, "host": header.host}
    return to_json(
        {
            "key": _encode(header.key),
            "machine": header.machine,
            "writer": writer,
            "started": header.started,
            "identity": header.identity,
            "proof": proof,
        }
    )


def proof_of(header: SegmentHeader, identity: Identity) -> str:
    """Shows that the writer has the identity that it names."""
    text = f"{FORMAT} {header.vault} {header.segment}\n{format_header(header, '')}"
    return _encode(hmac.digest(identity.derive(header.vault.encode("ascii"), _INFO), text.encode("utf-8"), hashlib.sha256))


def seal_line(key: bytes, header_line: str, line: int, text: str) -> str:
    """
    A row as a line, without its line feed: base64 of ChaCha20-Poly1305 with the line's number, from 2, as nonce.

    The additional data is the SHA-256 of the segment's first line, without its line feed.
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    content = text.encode("utf-8")
    padded = content.ljust(-(-len(content) // _PADDING) * _PADDING, b" ")
    digest = hashlib.sha256(header_line.encode("ascii")).digest()
    return _encode(ChaCha20Poly1305(key).encrypt(line.to_bytes(12, "big"), padded, digest))


def unknown_recipient() -> Exception:
    """The error if an owner's key is of a kind that this package cannot encrypt to."""
    return error(
        "LEDGER_UNAVAILABLE",
        "An owner of the vault has a key that this package cannot encrypt to, so the use cannot be recorded in a spool.",
        "Install the command line, so that agent-vault is on the PATH; or set AGENT_VAULT_AUDIT to otlp, stderr or file:PATH.",
    )


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
