"""What this machine knows about vaults, independent of any repository. The command line and the Node SDK use the same files."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..context import NO_HOME
from ..disk.atomic_file import write_atomically
from ..errors import error, warn
from ..lock.digest import DIGEST_PATTERN
from ..lock.lock import MAX_SAFE_INTEGER
from ..lock.ssh_signature import parse_ssh_public_key
from ..lock.state_ref import StateRef


@dataclass(frozen=True)
class TrustRecord:
    """The newest accepted state of a vault, and who can sign the next one."""

    #: The keys from outside the repository that vouched for the vault; none if its first key was trusted on first use.
    pinned: tuple[str, ...]
    owners: tuple[str, ...]
    #: Whether that state has a policy; `None` if it was not read yet.
    policy: bool | None
    sequence: int
    lock: str
    #: The newest state that was seen on a branch of a remote or pushed to it, by URL and branch.
    remotes: Mapping[str, StateRef]

    @property
    def newest(self) -> StateRef:
        return StateRef(self.sequence, self.lock)


def trust_file(home: str, vault: str) -> str:
    return os.path.join(home, "trust", f"{vault}.json")


def read_trust(home: str, vault: str) -> TrustRecord | None:
    """The record of a vault, `None` if there is none. Raises `DAMAGED` if the file cannot be read or is not a record."""
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
            f"{file} could not be read ({code}). It holds what this machine knows about the vault.",
            "Make it a file that you can read, and check the permissions of its folders.",
        ) from failure
    record = _parse(content, vault)
    if record:
        return record
    # Reading on without the record would accept an old state.
    raise error(
        "DAMAGED",
        f"{file} is not what agent-vault wrote about this vault.",
        "Restore it from a backup; or compare the vault's newest commit with an owner's, then remove the file.",
    )


def write_trust(home: str, vault: str, record: TrustRecord) -> None:
    """Writes the record of a vault. If that fails there is a warning, because a read goes on without it."""
    file = trust_file(home, vault)
    fields = {
        "version": 1,
        "vault": vault,
        "pinned": record.pinned,
        "owners": record.owners,
        **({} if record.policy is None else {"policy": record.policy}),
        "sequence": record.sequence,
        "lock": record.lock,
        "remotes": {name: {"sequence": seen.sequence, "lock": seen.lock} for name, seen in record.remotes.items()},
    }
    text = f"{json.dumps(fields, indent=2, ensure_ascii=False)}\n"
    try:
        write_atomically(file, text.encode("utf-8", "surrogateescape"), durable=True)
    except OSError as failure:
        code = errno.errorcode.get(failure.errno or 0, "unknown")
        where = ", because you have no home folder" if home.startswith(NO_HOME) else f" in {file} ({code})"
        warn(f"The state of this vault could not be saved{where}, so an older state would not be noticed.")


def _parse(content: bytes, vault: str) -> TrustRecord | None:
    try:
        fields = json.loads(content)
        if fields["version"] != 1 or fields["vault"] != vault:
            return None
        newest = _parse_state(fields)
        return TrustRecord(
            pinned=_parse_keys(fields["pinned"]),
            owners=_parse_keys(fields["owners"]),
            policy=fields.get("policy") is True,
            sequence=newest.sequence,
            lock=newest.lock,
            remotes={name: _parse_state(state) for name, state in fields["remotes"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _parse_state(fields: Mapping[str, object]) -> StateRef:
    sequence, lock = fields["sequence"], fields["lock"]
    if type(sequence) is not int or abs(sequence) > MAX_SAFE_INTEGER:
        raise ValueError("not a sequence")
    if not isinstance(lock, str) or not DIGEST_PATTERN.fullmatch(lock):
        raise ValueError("not a digest")
    return StateRef(sequence, lock)


def _parse_keys(values: list[str]) -> tuple[str, ...]:
    keys = [parse_ssh_public_key(value) for value in values]
    if None in keys:
        raise ValueError("not a key")
    return tuple(key for key in keys if key is not None)
