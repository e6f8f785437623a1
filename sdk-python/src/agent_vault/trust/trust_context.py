"""What decides about one vault on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from ..context import home_folder, is_strict
from ..errors import warn
from ..git.git_folders import GitFolders, find_git_folders
from ..keys.key_file import Keys

if TYPE_CHECKING:
    from ..git.repository import GitRepository
    from .lock_history import LockHistory


class TrustContext:
    """The vault at `root`, the keys of the person or agent who uses it, and their environment."""

    def __init__(self, root: str, keys: Keys | None, env: Mapping[str, str], *, quiet: bool = False) -> None:
        """`keys` say whose signature to trust: an owner's own key does, and an agent's key file names its owners. `quiet`: no warnings."""
        self.root = root
        self.keys = keys
        self.env = env
        self.home = home_folder(env)
        self.is_strict = is_strict(env)
        self._quiet = quiet
        self._warned: set[str] = set()

    @cached_property
    def folders(self) -> GitFolders | None:
        """The folders of the repository around the vault."""
        return find_git_folders(os.path.dirname(self.root))

    @cached_property
    def repository(self) -> GitRepository | None:
        # Most reads do not need git, so the code that runs it is imported here.
        from ..git.repository import GitRepository

        return GitRepository.find(os.path.dirname(self.root), self.env)

    @cached_property
    def history(self) -> LockHistory:
        """The signed states in the repository. Reading them runs git, and few reads need them."""
        from .lock_history import LockHistory

        return LockHistory(self.root, self.repository)

    def own_signing_keys(self, vault: str) -> list[str]:
        """The keys with which the person who uses the vault would sign in it."""
        return self.keys.signing_keys(vault) if self.keys else []

    def warn(self, message: str) -> None:
        """Warns, once for each message, also if a vault has to be verified twice."""
        if not self._quiet and message not in self._warned:
            warn(message)
        self._warned.add(message)
