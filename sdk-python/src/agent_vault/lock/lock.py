"""`vault.lock`: what its owner says that a vault contains."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from ..errors import VaultError, error
from .ssh_signature import parse_ssh_public_key

#: The largest integer that all readers represent exactly.
MAX_SAFE_INTEGER = 2**53 - 1

_MAX_LOCK_BYTES = 8 * 1024 * 1024
_DIGEST = "sha256:[0-9a-f]{64}"
_TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_NAME = "[A-Za-z0-9._/-]{1,200}"
_HEAD = re.compile(
    rf"version: ([12])\nvault: ([0-9A-Za-z-]{{8,64}})\nsequence: ([1-9][0-9]{{0,15}})\nsigned_at: ({_TIME})\n"
    rf"(?:valid_until: ({_TIME})\n)?(previous: {_DIGEST}\n|previous:\n(?: {{2}}- {_DIGEST}\n){{2,8}})?owners:\n"
)
_NEWER_VERSION = re.compile(r"version: (?:[3-9]|[1-9][0-9]{1,8})\n")
_OWNER = re.compile(r' {2}- \{name: "?([A-Za-z0-9._-]{1,64})"?, key: (ssh-ed25519 [A-Za-z0-9+/=]{68})\}')
_ENTRY = re.compile(rf'  "?({_NAME})"?: ({_DIGEST})')
_ANCHOR = re.compile(rf'  "?({_NAME})"?: \{{rows: (0|[1-9][0-9]{{0,15}}), head: ({_DIGEST})\}}')
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*|\.git[a-z]+")
_KEYWORD = re.compile(r"true|false|null|yes|no|on|off|y|n", re.IGNORECASE)


@dataclass(frozen=True)
class LockOwner:
    """An owner who can sign the next state."""

    name: str
    key: str


@dataclass(frozen=True)
class Lock:
    """A state of a vault. Digests are written `sha256:...`."""

    #: The vault's id.
    vault: str
    #: Starts at 1, and each change adds one.
    sequence: int
    signed_at: str
    valid_until: datetime | None
    #: The digests of the locks that it follows: none in the first one, one after a change, two to eight after a merge.
    previous: tuple[str, ...]
    owners: tuple[LockOwner, ...]
    #: The digests of the files at the top of the vault's folder, by name.
    files: Mapping[str, str]
    #: The digests of the folders `agents`, `owners` and `secrets/GROUP` with everything below them.
    trees: Mapping[str, str]


def parse_lock(content: bytes) -> Lock:
    """
    Reads a lock in the one spelling in which locks are written.

    Any other spelling is refused, even if a YAML parser would read the same from it: aliases, duplicate keys or huge numbers could make
    two parsers disagree. Raises `BAD_SIGNATURE`, and `TOO_NEW` for a lock of a later version.
    """
    if len(content) > _MAX_LOCK_BYTES:
        raise _not_a_lock("it is larger than any lock")
    text = content.decode("latin-1")
    if _NEWER_VERSION.match(text):
        raise _too_new()
    head = _HEAD.match(text)
    if not head:
        raise _not_a_lock("it does not start as a lock of version 1 or 2 does")
    version, vault, sequence_text, signed_at, valid_until, parents = head.groups()
    previous = tuple(re.findall(_DIGEST, parents or ""))
    if list(previous) != sorted(set(previous)) or (version == "2") != (len(previous) > 1):
        raise _not_a_lock("the states before it are not spelled as in a lock")
    lines = text[head.end() :].split("\n")
    reader = _LineReader(lines)
    owners = tuple(LockOwner(match[1], match[2]) for match in reader.take(_OWNER))
    files = {match[1]: match[2] for match in reader.take_section("files:", _ENTRY)}
    trees = {match[1]: match[2] for match in reader.take_section("trees:", _ENTRY)}
    anchors = {match[1]: (match[2], match[3]) for match in reader.take_section("audit:", _ANCHOR)}
    sequence = int(sequence_text)
    if sequence > MAX_SAFE_INTEGER:
        raise _not_a_lock("its sequence is too large")
    if not owners or any(parse_ssh_public_key(owner.key) is None for owner in owners):
        raise _not_a_lock("it names no owner, or one without a key")
    # A lock that is not written back exactly as it was has an extra, duplicate, misplaced or unknown line.
    expected = [
        *(f"  - {{name: {_quote_if_needed(owner.name)}, key: {owner.key}}}" for owner in owners),
        *_write_section("files", files, str),
        *_write_section("trees", trees, str),
        *_write_section("audit", anchors, lambda anchor: f"{{rows: {int(float(anchor[0]))}, head: {anchor[1]}}}"),
        "",
    ]
    if lines != expected:
        raise _not_a_lock("it is not spelled as locks are")
    _parse_time(signed_at)
    return Lock(
        vault=vault,
        sequence=sequence,
        signed_at=signed_at,
        valid_until=None if valid_until is None else _parse_time(valid_until),
        previous=previous,
        owners=owners,
        files=files,
        trees=trees,
    )


class _LineReader:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0

    def take(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """The next lines, as long as they match."""
        matches: list[re.Match[str]] = []
        while self._at < len(self._lines) and (match := pattern.fullmatch(self._lines[self._at])):
            matches.append(match)
            self._at += 1
        return matches

    def take_section(self, title: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """The lines of an optional section below its title."""
        if self._lines[self._at : self._at + 1] != [title]:
            return []
        self._at += 1
        return self.take(pattern)


def _write_section(title: str, entries: Mapping[str, str] | Mapping[str, tuple[str, str]], write: Callable[..., str]) -> list[str]:
    if not entries:
        return []
    return [f"{title}:", *(f"  {_quote_if_needed(name)}: {write(value)}" for name, value in sorted(entries.items()))]


def _quote_if_needed(name: str) -> str:
    """A name, in quotes if YAML could read it as something else."""
    return name if _WORD.fullmatch(name) and not _KEYWORD.fullmatch(name) else f'"{name}"'


def _parse_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise _not_a_lock("it is not spelled as locks are") from None


def _too_new() -> VaultError:
    return error(
        "TOO_NEW",
        "The state of this vault was written by a newer agent-vault, which this one cannot read.",
        "Update agent-vault (pip install --upgrade agent-vault), then read the vault again.",
    )


def _not_a_lock(reason: str) -> VaultError:
    return error(
        "BAD_SIGNATURE",
        f"vault.lock is not the state of a vault: {reason}.",
        "Do not use this copy. Ask an owner, and see with git log who changed it. "
        "A newer agent-vault may have written it: compare agent-vault --version.",
    )
