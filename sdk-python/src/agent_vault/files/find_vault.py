"""Finds a vault."""

from __future__ import annotations

import os

from ..errors import error
from ..format.layout import CONFIG_FILE, MANIFEST_FILE, VAULT_FOLDER
from .vault_folder import link_in_vault


def find_vault(start: str) -> str:
    """
    The `.agent-vault` folder in the folder `start` or the nearest one above it. `start` is the absolute path of a folder that exists.

    Raises `VAULT_NOT_FOUND`, `LINK_IN_VAULT` if the vault's folder itself is a link.
    """
    # A mistyped folder would be in whatever vault is above it.
    if not os.path.isdir(start):
        raise error("VAULT_NOT_FOUND", f"There is no folder {start}.", "Check the path of the repository.")
    folder = start
    while True:
        root = os.path.join(folder, VAULT_FOLDER)
        if os.path.islink(root):
            raise link_in_vault(root)
        # The folder of keys in the home folder has the same name, but no manifest.
        if os.path.isdir(root) and any(os.path.lexists(os.path.join(root, file)) for file in (MANIFEST_FILE, CONFIG_FILE)):
            return root
        above = os.path.dirname(folder)
        if above == folder:
            raise error(
                "VAULT_NOT_FOUND",
                f"There is no vault in {start} or above it.",
                "Name the repository that contains one, or create one with agent-vault init.",
            )
        folder = above
