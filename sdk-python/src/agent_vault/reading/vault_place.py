"""Where a vault's files are: in a folder, or in the clone of a repository's URL, which is made when it is first needed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from ..context import resolve_path
from ..errors import VaultError
from ..files.find_vault import find_vault
from ..files.vault_folder import VaultFolder
from ..git.remote_url import parse_repository_url
from ..keys.key_file import Keys
from ..lock.open_lock import claimed_vault_id

T = TypeVar("T")
FindKeys = Callable[[], Keys | None]


class VaultPlace:
    """The place that a program names, by a path or a URL."""

    def __init__(self, repo: str) -> None:
        """Raises `VAULT_NOT_FOUND` if a path has no vault, `USAGE` for URLs of another kind."""
        self.url = parse_repository_url(repo)
        #: Not known before the clone of a URL is needed.
        self._root = None if self.url else find_vault(resolve_path(repo, os.environ))

    def __repr__(self) -> str:
        return repr(self.url.address if self.url else os.path.dirname(self._root or ""))

    def claimed_id(self) -> str | None:
        """The id of the vault in a folder, which is not verified yet."""
        return None if self._root is None else claimed_vault_id(VaultFolder(self._root))

    def open(self, find_keys: FindKeys) -> str:
        """The vault's folder. `find_keys` say whose signature to trust if it is cloned. Raises as git and the verification do."""
        if self._root is None:
            from ..sync.clones import clone_of

            assert self.url is not None
            self._root = clone_of(self.url, find_keys(), os.environ).root
        return self._root

    def use(self, find_keys: FindKeys, use: Callable[[str], T]) -> T:
        """Uses the vault's folder. If an error says that the clone of a URL is damaged, the clone is made again and used once more."""
        root = self.open(find_keys)
        try:
            return use(root)
        except VaultError as failure:
            if self.url is None:
                raise
            from ..sync.clones import clone_of, existing_clone, is_damage

            damaged = existing_clone(self.url, os.environ)
            if not is_damage(failure) or (damaged and damaged.root != root):
                raise
            self._root = clone_of(self.url, find_keys(), os.environ, damaged=damaged).root
            return use(self._root)
