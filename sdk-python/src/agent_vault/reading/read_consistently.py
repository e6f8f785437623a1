"""Reads a vault while other processes may be writing a new state, file by file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from ..errors import VaultError, is_verification_error

if TYPE_CHECKING:
    from ..git.repository import GitRepository

MAX_ATTEMPTS = 3

T = TypeVar("T")


def read_consistently(root: str, env: Mapping[str, str], attempt: Callable[[], T]) -> T:
    """
    The result of `attempt`, which reads and verifies the vault.

    If it fails because the files do not match, another process may have been halfway through a write. Then this waits for that process and
    attempts again, with all checks, up to `MAX_ATTEMPTS` times in total. Raises what the last attempt raised.
    """
    for attempts in range(1, MAX_ATTEMPTS + 1):
        try:
            return attempt()
        except VaultError as failure:
            if attempts == MAX_ATTEMPTS or not may_be_incomplete(failure):
                raise
            repository = _repository(root, env)
            if repository is None:
                raise
            if not _wait_for_writers(repository):
                # Nobody can be at work, so what was read is what is there.
                break
    return attempt()


def may_be_incomplete(failure: VaultError) -> bool:
    """Whether this is what is wrong with files that are half of one state and half of the next."""
    return is_verification_error(failure) or failure.code == "DAMAGED"


def _repository(root: str, env: Mapping[str, str]) -> GitRepository | None:
    from ..git.repository import GitRepository

    return GitRepository.find(os.path.dirname(root), env)


def _wait_for_writers(repository: GitRepository) -> bool:
    """Whether other processes may have written, and are done."""
    from ..disk.write_lock import wait_for_others

    return os.path.isdir(repository.lock_folder) and wait_for_others(repository.lock_folder)
