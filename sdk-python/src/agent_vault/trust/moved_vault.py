"""Finds a vault that is not at its place any more."""

from __future__ import annotations

import os

from ..files.limits import MAX_LISTING_BYTES, max_bytes_of
from ..format.layout import LOCK_FILE, LOCK_SIGNATURE_FILE, VAULT_FOLDER
from ..git.errors import GitError
from ..git.objects import read_small_contents
from ..git.repository import GitRepository
from ..lock.open_lock import try_open_lock

#: More vaults than one repository has.
_MAX_VAULTS = 256


def find_moved_vault(repository: GitRepository, commit: str, vault: str) -> str | None:
    """
    The folder in which a commit has a vault's newest state with a valid signature, by whomever it was made, with `/`.

    It is what an error says, and nothing that is trusted. The whole tree is listed, so this is only for when a vault was missed. `None` if
    the commit has none, or is larger than can be searched.
    """
    folders = vault_folders_in(repository, commit)
    names = [f"{commit}:{folder}/{file}" for folder in folders for file in (LOCK_FILE, LOCK_SIGNATURE_FILE)]
    contents = read_small_contents(repository, names, max_bytes_of(LOCK_FILE))
    states = [(folder, try_open_lock(contents[2 * index], contents[2 * index + 1])) for index, folder in enumerate(folders)]
    found = [(signed.lock.sequence, folder) for folder, signed in states if signed and signed.lock.vault == vault]
    return max(found)[1] if found else None


def vault_folders_in(repository: GitRepository, commit: str) -> list[str]:
    """The folders of all vaults in a commit, with `/`; none if it is larger than can be searched."""
    try:
        listing = repository.run(["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit], max_bytes=MAX_LISTING_BYTES)
    except GitError as failure:
        if failure.kind == "too_much_output":
            return []
        raise
    ending = f"{VAULT_FOLDER}/{LOCK_FILE}"
    paths = [path for path in os.fsdecode(listing).split("\0") if path == ending or path.endswith(f"/{ending}")]
    # git takes one name a line.
    return [path[: -len(LOCK_FILE) - 1] for path in paths if "\n" not in path][:_MAX_VAULTS]
