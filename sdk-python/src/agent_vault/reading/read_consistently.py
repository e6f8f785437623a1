"""Reads a vault while other processes may be writing a new state, file by file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from ..errors import VaultError, is_verification_error

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
            may_be_incomplete = is_verification_error(failure) or failure.code == "DAMAGED"
            if attempts == MAX_ATTEMPTS or not may_be_incomplete or not _wait_for_writers(root, env):
                raise
    raise AssertionError


def _wait_for_writers(root: str, env: Mapping[str, str]) -> bool:
    """Whether other processes may have written, and are done."""
    from ..disk.write_lock import wait_for_others
    from ..git.repository import GitRepository

    repository = GitRepository.find(os.path.dirname(root), env)
    return repository is not None and os.path.isdir(repository.lock_folder) and wait_for_others(repository.lock_folder)
