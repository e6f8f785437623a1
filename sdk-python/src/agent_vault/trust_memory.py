"""What this person's machine knows of a vault, whatever a repository says. The CLI and the Node SDK read and write the same files."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from .context import NO_HOME
from .digest import DIGEST_PATTERN
from .errors import error, warn
from .keys import SeenState
from .lock import MAX_SAFE_INTEGER
from .ssh_signature import parse_ssh_public_key


@dataclass(frozen=True)
class TrustMemory:
    """The newest state that was verified, and who may sign the next."""

    #: Keys from outside the repository that vouched for this; none where the first key that was seen was taken on its word.
    pinned: tuple[str, ...]
    owners: tuple[str, ...]
    #: Whether a policy decides over uses in that state; `None` where nobody has looked.
    policy: bool | None
    sequence: int
    lock: str
    #: The newest state that was seen on a remote's branch or pushed to it, by its URL and branch.
    remotes: Mapping[str, SeenState]

    @property
    def seen(self) -> SeenState:
        return SeenState(self.sequence, self.lock)


def trust_file(home: str, vault: str) -> str:
    return os.path.join(home, "trust", f"{vault}.json")


def read_trust(home: str, vault: str) -> TrustMemory | None:
    """What is remembered of a vault, or `None`. Raises `DAMAGED` where the file cannot be read or is not what was written."""
    file = trust_file(home, vault)
    try:
        with open(file, "rb") as opened:
            content = opened.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as failure:
        code = errno.errorcode.get(failure.errno or 0, "unknown")
        raise error(
            "DAMAGED",
            f"{file} could not be read ({code}), and it holds what is remembered of this vault.",
            "Make it a file that you can read, and check the permissions of its folders.",
        ) from failure
    memory = _parse(content, vault)
    if memory:
        return memory
    # To go on without it would be to forget what protects from an old state.
    raise error(
        "DAMAGED",
        f"{file} does not hold what is remembered of this vault.",
        "Restore it from a backup; or remove it, after comparing the vault's newest commit with an owner's.",
    )


def write_trust(home: str, vault: str, memory: TrustMemory) -> None:
    """Writes what is remembered, whole or not at all; says so where it cannot be written, since reading goes on without it."""
    file = trust_file(home, vault)
    draft = f"{file}.{secrets.token_hex(6)}"
    fields = {
        "version": 1,
        "vault": vault,
        "pinned": memory.pinned,
        "owners": memory.owners,
        **({} if memory.policy is None else {"policy": memory.policy}),
        "sequence": memory.sequence,
        "lock": memory.lock,
        "remotes": {name: {"sequence": seen.sequence, "lock": seen.lock} for name, seen in memory.remotes.items()},
    }
    text = f"{json.dumps(fields, indent=2, ensure_ascii=False)}\n"
    try:
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as opened:
                opened.write(text.encode("utf-8", "surrogateescape"))
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(draft, file)
        except OSError:
            if os.path.lexists(draft):
                os.unlink(draft)
            raise
    except OSError as failure:
        code = errno.errorcode.get(failure.errno or 0, "unknown")
        where = ", as you have no home folder" if home.startswith(NO_HOME) else f" in {file} ({code})"
        warn(f"The state of this vault could not be remembered{where}, so an older one would not be noticed.")


def _parse(content: bytes, vault: str) -> TrustMemory | None:
    try:
        fields = json.loads(content)
        if fields["version"] != 1 or fields["vault"] != vault:
            return None
        seen = _seen_state(fields)
        return TrustMemory(
            pinned=_keys(fields["pinned"]),
            owners=_keys(fields["owners"]),
            policy=fields.get("policy") is True,
            sequence=seen.sequence,
            lock=seen.lock,
            remotes={name: _seen_state(state) for name, state in fields["remotes"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _seen_state(fields: Mapping[str, object]) -> SeenState:
    sequence, lock = fields["sequence"], fields["lock"]
    if type(sequence) is not int or abs(sequence) > MAX_SAFE_INTEGER:
        raise ValueError("no sequence")
    if not isinstance(lock, str) or not DIGEST_PATTERN.fullmatch(lock):
        raise ValueError("no digest")
    return SeenState(sequence, lock)


def _keys(values: list[str]) -> tuple[str, ...]:
    keys = [parse_ssh_public_key(value) for value in values]
    if None in keys:
        raise ValueError("no key")
    return tuple(key for key in keys if key is not None)
