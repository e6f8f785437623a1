"""Where this machine's memory of vaults lies. The command line and the Node SDK use the same files."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

from ..context import NO_HOME
from ..disk.atomic_file import make_private_folder, write_atomically
from ..disk.write_lock import write_lock
from ..errors import VaultError, error, warn
from ..lock.ancestry import Ancestry
from ..lock.digest import digest_of
from .former_memory import join_former, parse_former_memory
from .memory import Memory
from .memory_file import format_memory, parse_memory

#: The files of one vault's memory that list the states behind those that are remembered.
_ANCESTRY_ENDING = ".states"


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


def update_memory(home: str, vault: str, change: Callable[[Memory], Memory], ancestries: Mapping[str, Ancestry]) -> None:
    """
    Changes what is remembered, under a lock that every process takes: `change` gets what is remembered by then.

    It is written whole or not at all. If it cannot be written there is a warning, because reading goes on without it. `ancestries` are all
    states behind those that are new, by the digests of their locks. Raises `DAMAGED`, `BUSY`.
    """
    file = memory_file(home, vault)
    folder = os.path.dirname(file)
    try:
        make_private_folder(folder)
        with write_lock(folder):
            before = read_memory(home, vault) or Memory()
            after = change(before)
            if after == before and os.path.exists(file):
                return
            for lock, ancestry in ancestries.items():
                write_atomically(_ancestry_file(home, vault, lock), ancestry.to_bytes(), durable=True)
            write_atomically(file, format_memory(after, vault), durable=True)
            _remove_old_ancestries(folder, after)
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
        with open(_ancestry_file(home, vault, lock), "rb") as opened:
            return Ancestry.parse(opened.read())
    except (OSError, VaultError):
        return None


def _ancestry_file(home: str, vault: str, lock: str) -> str:
    return os.path.join(home, "trust", vault, f"{lock.removeprefix('sha256:')}{_ANCESTRY_ENDING}")


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


def _remove_old_ancestries(folder: str, memory: Memory) -> None:
    kept = {f"{state.lock.removeprefix('sha256:')}{_ANCESTRY_ENDING}" for state in memory.all_states()}
    for name in os.listdir(folder):
        if name.endswith(_ANCESTRY_ENDING) and name not in kept:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))
