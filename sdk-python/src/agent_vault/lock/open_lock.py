"""Reads a lock with its signature."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import VaultError, error
from ..format.file_source import FileReader
from ..format.layout import LOCK_FILE, LOCK_SIGNATURE_FILE
from .digest import digest_of
from .lock import Lock, parse_lock
from .ssh_signature import bad_signature, is_signature_of, parse_signature
from .state_ref import StateRef


@dataclass(frozen=True)
class SignedLock:
    """A lock whose signature is valid. Whether its signer can be trusted is another question, which trust/ answers."""

    lock: Lock
    digest: str
    #: The public key that verifies the signature, `ssh-ed25519 AAAA...`.
    signer: str

    @property
    def ref(self) -> StateRef:
        return StateRef(self.lock.sequence, self.digest)


#: What stands in `vault.lock` where git has joined states and no owner has signed the result yet.
_JOINED = re.compile(rb"#[^\n]*\nvault: [0-9A-Za-z-]{8,64}\njoined:\n(?:  - sha256:[0-9a-f]{64}\n)+")
#: Two sides that git has joined say the vault's id once.
_VAULT = re.compile(rb"^vault: ([0-9A-Za-z-]{8,64})$", re.MULTILINE)


def is_joined(content: bytes | None) -> bool:
    """Whether git has joined states of the vault, where a lock should be."""
    return content is not None and _JOINED.match(content) is not None


def open_lock(content: bytes, signature: bytes) -> SignedLock:
    """Reads a lock and verifies its signature. Raises `BAD_SIGNATURE`, `TOO_NEW`."""
    if is_joined(content):
        raise error(
            "BAD_SIGNATURE",
            "git joined two states of the vault, and no owner has signed the result yet.",
            "An owner of the vault signs it with agent-vault sync. To give the merge up: git merge --abort, or git reset --keep ORIG_HEAD.",
        )
    if re.search(rb"^<{7} ", content, re.MULTILINE):
        raise error(
            "BAD_SIGNATURE",
            "vault.lock has both sides of an unfinished merge, and nobody signed that.",
            "If the merge is committed, an owner signs a merge of both sides with agent-vault sync. "
            "Before that, commit it as it is, or abort it (git merge --abort, git rebase --abort).",
        )
    parsed = parse_signature(signature)
    if not is_signature_of(parsed, content):
        raise bad_signature("vault.lock is not what was signed")
    return SignedLock(parse_lock(content), digest_of(content), parsed.key)


def open_lock_in(files: FileReader) -> SignedLock | None:
    """The lock of a vault; `None` for a vault without one. Raises `BAD_SIGNATURE`, `TOO_NEW`."""
    content, signature = files.read(LOCK_FILE), files.read(LOCK_SIGNATURE_FILE)
    if content is None:
        return None
    if signature is None:
        raise bad_signature("vault.lock.sig is missing")
    return open_lock(content, signature)


def try_open_lock(content: bytes | None, signature: bytes | None) -> SignedLock | None:
    """As `open_lock`, or `None` if this is not a signed lock. A commit can contain anything."""
    if content is None or signature is None:
        return None
    try:
        return open_lock(content, signature)
    except VaultError:
        return None


def is_owner(key: str, signed: SignedLock) -> bool:
    """Whether a lock names `key` as one that can sign the next state."""
    return any(owner.key == key for owner in signed.lock.owners)


def claimed_vault_id(files: FileReader) -> str | None:
    """The id in a vault's lock, which is not verified yet. It only selects the key and the trust record to look up."""
    content: bytes | None = None
    try:
        content = files.read(LOCK_FILE)
        return None if content is None else parse_lock(content).vault
    except VaultError:
        found = None if content is None else _VAULT.search(content)
        return None if found is None else found.group(1).decode()
