"""Key files: age identities, and comments that say which vault and owner they belong to."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from ..age.decrypt import trim_armor
from ..age.identity import Identity
from ..age.invalid_file import invalid_file
from ..errors import VaultError, error
from ..lock.ssh_signature import parse_ssh_public_key
from ..lock.state_ref import StateRef
from .signing_key import derive_signing_key


@dataclass(frozen=True)
class Keys:
    """The identities of a key file, and what its comments say."""

    identities: tuple[Identity, ...]
    #: Where they come from, as it is said in a message.
    source: str
    #: Whether this is an owner's key, by its place or by the comment `# role: owner`.
    is_owners: bool
    #: `# agent:`, the agent that the key was made for.
    agent: str | None
    #: `# vault:`, the id of the vault that the key was made for.
    vault: str | None
    #: `# owner:`, the signing keys of the owners who made it.
    owners: tuple[str, ...]
    #: `# state:`, the state of the vault when it was made.
    state: StateRef | None

    def signing_keys(self, vault: str) -> list[str]:
        """The keys with which these identities would sign in a vault. A key is an owner's only if a lock names it."""
        return [derive_signing_key(identity, vault) for identity in self.identities]


def parse_key_file(content: bytes, source: str, *, is_owners: bool) -> Keys:
    """Reads the lines of an age identity file. Raises `INVALID_KEY`, `PASSPHRASE_REQUIRED`."""
    if is_passphrase_encrypted(content):
        raise error(
            "PASSPHRASE_REQUIRED",
            f"{source} is protected by a passphrase, and there is no terminal to ask for it.",
            "Give the passphrase with passphrase_fd or AGENT_VAULT_ASKPASS, or a key without one.",
        )
    lines = [line.strip() for line in content.decode("utf-8", "replace").split("\n")]
    texts = [line for line in lines if line and not line.startswith("#")]
    if not texts:
        raise error(
            "INVALID_KEY",
            f"{source} holds no key.",
            "A key file holds a line AGE-SECRET-KEY-1... Generate one with age-keygen or agent-vault init.",
        )
    try:
        identities = tuple(Identity(text) for text in texts)
    except VaultError:
        raise error(
            "INVALID_KEY",
            f"{source} is not an age key file.",
            "It should hold a line AGE-SECRET-KEY-1... Check that it is the right file, and complete.",
        ) from None
    vaults = _comments(lines, "vault")
    return Keys(
        identities=identities,
        source=source,
        is_owners=is_owners or _comments(lines, "role")[:1] == ["owner"],
        agent=next(iter(_comments(lines, "agent")), None),
        vault=vaults[0] if vaults else None,
        owners=tuple(key for text in _comments(lines, "owner") if (key := parse_ssh_public_key(text)) is not None),
        state=_parse_state(_comments(lines, "state")),
    )


def is_key_text(text: str) -> bool:
    """Whether `text` is a key itself, and not the path of one."""
    return "AGE-SECRET-KEY-" in text or "-----BEGIN AGE ENCRYPTED FILE-----" in text


def decrypt_with_passphrase(content: bytes, passphrase: str, source: str) -> bytes:
    """The content of a protected key file. Takes half a second. Raises `WRONG_PASSPHRASE`, `DAMAGED`."""
    import pyrage

    try:
        opened: bytes = pyrage.passphrase.decrypt(trim_armor(content), passphrase)
    except pyrage.DecryptError as failure:
        if "ecryption failed" in str(failure) or "ncorrect passphrase" in str(failure):
            raise error("WRONG_PASSPHRASE", "The passphrase is wrong.", "Try again; upper and lower case matter.") from None
        raise invalid_file(source, str(failure).partition("\n")[0].rstrip(".")) from None
    return opened


def is_passphrase_encrypted(content: bytes) -> bool:
    """Whether a passphrase opens the file, and no key."""
    start = trim_armor(content[:1024])
    if start.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----"):
        try:
            start = base64.b64decode(b"".join(start.split(b"\n")[1:2]))
        except binascii.Error:
            return False
    return start.startswith(b"age-encryption.org/v1\n-> scrypt ")


def _comments(lines: list[str], name: str) -> list[str]:
    """The values of all comments `# NAME: VALUE`."""
    return [line[len(name) + 4 :] for line in lines if line.startswith(f"# {name}: ")]


def _parse_state(comments: list[str]) -> StateRef | None:
    match = re.fullmatch(r"([0-9]{1,15}) (sha256:[0-9a-f]{64})", comments[0]) if comments else None
    return StateRef(int(match[1]), match[2]) if match else None
