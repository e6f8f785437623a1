"""What a vault says of its main branch."""

from __future__ import annotations

from ..errors import VaultError, is_verification_error
from ..files.vault_files import VaultFiles
from ..format.config import SyncSettings, parse_sync_settings, read_sync_settings
from ..format.layout import CONFIG_FILE
from ..git.repository import GitRepository
from ..trust.memory_store import read_memory
from ..trust.place import FetchedPlace
from ..trust.remembered_rules import remembered_config
from ..trust.trust_context import TrustContext
from ..trust.verify import verify


def settings_of_home(context: TrustContext, vault: str | None, remote: str | None = None) -> SyncSettings:
    """
    The settings of the newest state that was seen on the main branch and verified; none if they are not known.

    What the branch says that is checked out does not count: anybody who can push a branch would choose whose rules judge it. `remote` is
    the one spelling of a remote; the one with the newest state if it is not given.
    """
    memory = None if vault is None else read_memory(context.home, vault)
    if memory is None or vault is None:
        return SyncSettings()
    known = {name: found.home for name, found in memory.remotes.items() if found.home is not None and remote in (None, name)}
    states = [state for name, home in known.items() for state in memory.states_on_home(name, home)]
    for state in sorted(states, key=lambda state: -state.sequence):
        config = remembered_config(context.home, vault, state.lock)
        if config is not None:
            try:
                return parse_sync_settings(config)
            except VaultError:
                break
    return SyncSettings()


def settings_of_fetched(context: TrustContext, repository: GitRepository, place: FetchedPlace) -> SyncSettings:
    """The same by a state that was just fetched, if nothing is remembered; none if it is not one to trust."""
    from ..files.commit_files import CommitFiles

    try:
        files = VaultFiles(CommitFiles(repository, place.commit, context.root))
        # No state is verified for a vault without the setting.
        if b"sync" not in (files.read(CONFIG_FILE) or b""):
            return SyncSettings()
        verify(TrustContext(context.root, context.keys, context.env, quiet=True), files, place)
        return read_sync_settings(files)
    except VaultError as failure:
        if is_verification_error(failure) or failure.code == "VAULT_NOT_FOUND":
            return SyncSettings()
        raise


def is_trusted(context: TrustContext, repository: GitRepository, place: FetchedPlace) -> bool:
    """Whether the state of a ref can be read, by those of its files that say who signed it."""
    from ..files.commit_files import CommitFiles

    try:
        verify(
            TrustContext(context.root, context.keys, context.env, quiet=True),
            VaultFiles(CommitFiles(repository, place.commit, context.root)),
            place,
        )
    except VaultError as failure:
        if is_verification_error(failure) or failure.code == "VAULT_NOT_FOUND":
            return False
        raise
    return True
