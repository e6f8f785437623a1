"""Looks at a vault while other processes bring new states into its work tree, file by file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from .errors import VaultError, is_verification_error

#: How often a look is taken that ends in an error of verification.
_ATTEMPTS = 3

T = TypeVar("T")


def settled(root: str, env: Mapping[str, str], look: Callable[[], T]) -> T:
    """What a look at the vault gives; one that may have met a half-finished pull is taken again, with all its checks."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return look()
        except VaultError as failure:
            may_be_halfway = is_verification_error(failure) or failure.code == "DAMAGED"
            if attempt == _ATTEMPTS or not may_be_halfway or not _others_are_done(root, env):
                raise
    raise AssertionError


def _others_are_done(root: str, env: Mapping[str, str]) -> bool:
    """Whether other processes may have been at work, and are done."""
    from .git import GitRepository
    from .write_lock import wait_for_others

    repository = GitRepository.find(os.path.dirname(root), env)
    if repository is None:
        return False
    folder = os.path.join(repository.git_dir, "agent-vault")
    return os.path.isdir(folder) and wait_for_others(folder)
