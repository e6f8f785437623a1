"""`vault.lock`: what a vault is at one time, in the words of its owner."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from .digest import digest_of
from .errors import VaultError, error
from .folder import FileSource
from .layout import LOCK_FILE
from .ssh_signature import bad_signature, is_signature_of, parse_signature, parse_ssh_public_key

#: The largest integer that every reader counts to.
MAX_SAFE_INTEGER = 2**53 - 1

_MAX_LOCK_BYTES = 8 * 1024 * 1024
_DIGEST = "sha256:[0-9a-f]{64}"
_TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_NAME = "[A-Za-z0-9._/-]{1,200}"
_HEAD = re.compile(
    rf"version: 1\nvault: ([0-9A-Za-z-]{{8,64}})\nsequence: ([1-9][0-9]{{0,15}})\nsigned_at: ({_TIME})\n"
    rf"(?:valid_until: ({_TIME})\n)?(?:previous: ({_DIGEST})\n)?owners:\n"
)
_OWNER = re.compile(r' {2}- \{name: "?([A-Za-z0-9._-]{1,64})"?, key: (ssh-ed25519 [A-Za-z0-9+/=]{68})\}')
_ENTRY = re.compile(rf'  "?({_NAME})"?: ({_DIGEST})')
_ANCHOR = re.compile(rf'  "?({_NAME})"?: \{{rows: (0|[1-9][0-9]{{0,15}}), head: ({_DIGEST})\}}')
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*|\.git[a-z]+")
_KEYWORD = re.compile(r"true|false|null|yes|no|on|off|y|n", re.IGNORECASE)


@dataclass(frozen=True)
class LockOwner:
    """An owner who may sign the state that follows."""

    name: str
    key: str


@dataclass(frozen=True)
class Lock:
    vault: str
    #: One more with each change, from 1.
    sequence: int
    signed_at: str
    valid_until: datetime | None
    #: The digest of the lock before; `None` in the first one.
    previous: str | None
    owners: tuple[LockOwner, ...]
    #: Files at the top of the vault's folder, by name.
    files: Mapping[str, str]
    #: Folders (`agents`, `owners`, `secrets/GROUP`) by the digest of all that is below them.
    trees: Mapping[str, str]


@dataclass(frozen=True)
class SignedLock:
    """A lock whose signature is right, by whomever it was made."""

    lock: Lock
    digest: str
    signer: str


def parse_lock(content: bytes) -> Lock:
    """
    Reads a lock in the one spelling in which locks are written; any other, also where a YAML parser would see the same in it, is
    refused. So no parser's habits (aliases, keys that stand twice, huge numbers) are a way to have it mean two things.

    Raises `BAD_SIGNATURE`: whoever signed this, it is no lock.
    """
    if len(content) > _MAX_LOCK_BYTES:
        raise _not_a_lock("it is larger than any lock")
    text = content.decode("latin-1")
    head = _HEAD.match(text)
    if not head:
        raise _not_a_lock("its first lines are not those of a lock of version 1")
    lines = text[head.end() :].split("\n")
    at = 0

    def section(pattern: re.Pattern[str]) -> list[re.Match[str]]:
        nonlocal at
        found: list[re.Match[str]] = []
        while at < len(lines) and (match := pattern.fullmatch(lines[at])):
            found.append(match)
            at += 1
        return found

    def titled(title: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        nonlocal at
        if at >= len(lines) or lines[at] != title:
            return []
        at += 1
        return section(pattern)

    owners = tuple(LockOwner(match[1], match[2]) for match in section(_OWNER))
    files = {match[1]: match[2] for match in titled("files:", _ENTRY)}
    trees = {match[1]: match[2] for match in titled("trees:", _ENTRY)}
    anchors = {match[1]: (match[2], match[3]) for match in titled("audit:", _ANCHOR)}
    sequence = int(head[2])
    if sequence > MAX_SAFE_INTEGER:
        raise _not_a_lock("its sequence is no count of changes")
    if not owners or any(parse_ssh_public_key(owner.key) is None for owner in owners):
        raise _not_a_lock("it names no owner, or one without a key")
    # One spelling: what does not come out again as it went in has a line too many, twice, in another order or unknown.
    again = [
        *(f"  - {{name: {_plain(owner.name)}, key: {owner.key}}}" for owner in owners),
        *_section("files", files, str),
        *_section("trees", trees, str),
        *_section("audit", anchors, lambda anchor: f"{{rows: {int(float(anchor[0]))}, head: {anchor[1]}}}"),
        "",
    ]
    if lines != again:
        raise _not_a_lock("it is not written as locks are")
    _time(head[3])
    return Lock(
        vault=head[1],
        sequence=sequence,
        signed_at=head[3],
        valid_until=None if head[4] is None else _time(head[4]),
        previous=head[5],
        owners=owners,
        files=files,
        trees=trees,
    )


def open_lock(content: bytes, signature: bytes) -> SignedLock:
    """Reads a lock with its signature. Who signed is for the caller to judge. Raises `BAD_SIGNATURE`."""
    if re.search(rb"^<{7} ", content, re.MULTILINE):
        raise error(
            "BAD_SIGNATURE",
            "vault.lock holds the two sides of an unfinished merge, and nobody has signed that.",
            "Give the merge up (git merge --abort, git rebase --abort), take one side, and make the other's change again.",
        )
    parsed = parse_signature(signature)
    if not is_signature_of(parsed, content):
        raise bad_signature("vault.lock is not what was signed")
    return SignedLock(parse_lock(content), digest_of(content), parsed.key)


def is_owner(key: str, signed: SignedLock) -> bool:
    """Whether a key is one of those that may sign the state that follows."""
    return any(owner.key == key for owner in signed.lock.owners)


def vault_id_in(files: FileSource) -> str | None:
    """The id that a vault claims to have, to look up what is known of it; whether the claim holds is seen later."""
    try:
        content = files.read(LOCK_FILE)
        return None if content is None else parse_lock(content).vault
    except VaultError:
        return None


def _section(title: str, entries: Mapping[str, str] | Mapping[str, tuple[str, str]], form: Callable[..., str]) -> list[str]:
    if not entries:
        return []
    return [f"{title}:", *(f"  {_plain(name)}: {form(value)}" for name, value in sorted(entries.items()))]


def _plain(name: str) -> str:
    """A word, in quotes where YAML could take it for something else."""
    return name if _WORD.fullmatch(name) and not _KEYWORD.fullmatch(name) else f'"{name}"'


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise _not_a_lock("it is not written as locks are") from None


def _not_a_lock(reason: str) -> VaultError:
    return error(
        "BAD_SIGNATURE",
        f"vault.lock is not the state of a vault: {reason}.",
        "Do not use this copy: ask an owner, and see with git log who changed it. "
        "A newer agent-vault may have written it: agent-vault --version.",
    )
