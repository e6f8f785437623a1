"""Where this machine's memory of vaults lies. The command line and the Node SDK use the same files."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from ..disk.atomic_file import make_private_folder, write_atomically
from ..disk.write_lock import write_lock
from ..errors import NO_HOME, VaultError, error, warn
from ..lock.ancestry import Ancestry
from ..lock.digest import digest_of
from .former_memory import join_former, parse_former_memory
from .memory import Memory
from .memory_file import format_memory, parse_memory

#: The files of one vault's memory that list the states behind those that are remembered.
_ANCESTRY_ENDING = ".states"
#: Those that have what judges uses of the main branches' states.
_RULES_ENDING = ".rules"


@dataclass(frozen=True)
class StateBeside:
    """What is remembered of a state beside the memory's own file."""

    lock: str
    #: All states behind it; `None` if they are not known.
    ancestry: Ancestry | None
    #: What judges uses of it, for a state of a main branch; no bytes if it cannot be kept.
    rules: bytes | None


def memory_file(home: str, vault: str) -> str:
    return os.path.join(home, "trust", vault, "memory.json")


def read_memory(home: str, vault: str) -> Memory | None:
    """
    What is remembered of a vault, with what agent-vault 0.2.0 remembered; `None` if that is nothing.

    Raises `DAMAGED` if a file cannot be read or is not what was written.
    """
    file, former_file = memory_file(home, vault), os.path.join(home, "trust", f"{vault}.json")
    content, former_content = _read(file), _read(former_file)
    memory = None if content is None else parse_memory(content, vault) or _damaged(file)
    if former_content is None or (memory and memory.former == digest_of(former_content)):
        return memory
    former = parse_former_memory(former_content, vault) or _damaged(former_file)
    return replace(join_former(memory or Memory(), former), former=digest_of(former_content))


def update_memory(home: str, vault: str, change: Callable[[Memory], Memory], beside: StateBeside) -> None:
    """
    Changes what is remembered, under a lock that every process takes: `change` gets what is remembered by then.

    It is written whole or not at all. If it cannot be written there is a warning, because reading goes on without it. `beside` is of the
    state that is new. Raises `DAMAGED`, `BUSY`.
    """
    file = memory_file(home, vault)
    folder = os.path.dirname(file)
    try:
        make_private_folder(folder)
        with write_lock(folder):
            before = read_memory(home, vault) or Memory()
            after = change(before)
            if beside.rules is not None:
                write_atomically(_state_file(home, vault, beside.lock, _RULES_ENDING), beside.rules, durable=True)
            if after != before or not os.path.exists(file):
                if beside.ancestry is not None:
                    write_atomically(_state_file(home, vault, beside.lock, _ANCESTRY_ENDING), beside.ancestry.to_bytes(), durable=True)
                write_atomically(file, format_memory(after, vault), durable=True)
            _remove_old_files(folder, after)
    except (OSError, VaultError) as failure:
        reason = failure.__cause__ if isinstance(failure, VaultError) and failure.code == "UNWRITABLE" else failure
        if not isinstance(reason, OSError):
            raise
        code = errno.errorcode.get(reason.errno or 0, "unknown")
        where = ", because you have no home folder" if home.startswith(NO_HOME) else f" in {folder} ({code})"
        warn(f"The state of this vault could not be remembered{where}, so an older one would not be noticed.")


def remembered_ancestry(home: str, vault: str, lock: str) -> Ancestry | None:
    """All states behind one that is remembered; `None` if they are not known."""
    try:
        with open(_state_file(home, vault, lock, _ANCESTRY_ENDING), "rb") as opened:
            return Ancestry.parse(opened.read())
    except (OSError, VaultError):
        return None


def kept_rules(home: str, vault: str, lock: str) -> bytes | None:
    """What was kept of the rules of a main branch's state, not verified; `None` if nothing was."""
    try:
        with open(_state_file(home, vault, lock, _RULES_ENDING), "rb") as opened:
            return opened.read()
    except OSError:
        return None


def has_kept_rules(home: str, vault: str, lock: str) -> bool | None:
    """Whether the rules of a state were kept; `False` if they could not be, `None` if nobody tried."""
    try:
        return os.path.getsize(_state_file(home, vault, lock, _RULES_ENDING)) > 0
    except OSError:
        return None


def drop_rules(home: str, vault: str, lock: str) -> None:
    """Removes rules that are not what was written, so that the next read of the main branch keeps them again."""
    with contextlib.suppress(OSError):
        os.unlink(_state_file(home, vault, lock, _RULES_ENDING))


def _state_file(home: str, vault: str, lock: str, ending: str) -> str:
    return os.path.join(home, "trust", vault, f"{lock.removeprefix('sha256:')}{ending}")


def _read(file: str) -> bytes | None:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as failure:
        code = errno.errorcode.get(failure.errno or 0, "unknown")
        raise error(
            "DAMAGED",
            f"{file} could not be read ({code}), and it holds what is remembered of this vault.",
            "Make it a file that you can read, and check the permissions of its folders.",
        ) from failure


def _damaged(file: str) -> NoReturn:
    # To read on without the file would be to accept an old state.
    raise error(
        "DAMAGED",
        f"{file} does not hold what is remembered of this vault.",
        "Restore it from a backup; or compare the vault's newest commit with an owner's, then remove the file.",
    )


def _remove_old_files(folder: str, memory: Memory) -> None:
    """Removes what is beside states that are not among the newest any more."""
    named = [
        *((state, _ANCESTRY_ENDING) for state in memory.all_states()),
        *((state, _RULES_ENDING) for state in memory.all_states_on_home()),
    ]
    kept = {f"{state.lock.removeprefix('sha256:')}{ending}" for state, ending in named}
    for name in os.listdir(folder):
        if name.endswith((_ANCESTRY_ENDING, _RULES_ENDING)) and name not in kept:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))
