"""Opens the states that were fetched."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import VaultError
from ..files.vault_files import VaultFiles
from ..sync.fetch_record import FetchedTip, FetchRecord
from ..trust.errors import older_than_remembered, other_vault_after_move
from ..trust.memory import SeenState
from ..trust.place import Place
from ..trust.trust_context import TrustContext
from ..trust.verify import TrustedState, verify


@dataclass(frozen=True)
class ChosenState:
    """A verified state and its files."""

    files: VaultFiles
    #: `None` for an unsigned vault.
    trusted: TrustedState | None
    #: The remote's ref that it was read from; `None` for the work tree's.
    tip: FetchedTip | None = None
    #: The files of the vault's main branch, if their state is not the one that is used nor behind it: their rules judge as well. If the
    #: repository does not have that state, what the memory has kept of it.
    homes: tuple[VaultFiles, ...] = ()
    #: The main branch's state as it was fetched, which is remembered with the one that is used.
    main: TrustedState | None = None
    #: A state of the main branch that is not behind the one that is used, and whose files are not here.
    missing: SeenState | None = None

    def require_rules(self) -> None:
        """Requires that the rules of the main branch are here, where rules judge. Raises `ROLLBACK`."""
        if self.trusted:
            self.trusted.require_not_older_than_remembered()
            if self.missing:
                raise older_than_remembered(self.trusted.signed, self.missing)

    def remember(self) -> None:
        """Remembers the state, and the main branch's, once all that was read of it has been found right."""
        if self.trusted:
            self.trusted.remember()
        if self.main:
            self.main.remember_whole()


def verified(context: TrustContext, files: VaultFiles, place: Place) -> ChosenState:
    """Verifies the state of some files. Raises as `verify`."""
    return ChosenState(files, verify(context, files, place))


def open_tip(context: TrustContext, record: FetchRecord, tip: FetchedTip | None, vault: str | None = None) -> ChosenState | None:
    """
    The state in the commit that a ref was fetched at, out of git's objects; `None` if it has no vault.

    `vault` is the id of the vault that is here. Raises as `verify`.
    """
    if tip is None or tip.commit is None or context.folders is None:
        return None
    from ..files.commit_files import CommitFiles
    from ..git.repository import GitRepository

    repository = GitRepository.locate(context.folders, context.env)
    try:
        files = VaultFiles(CommitFiles(repository, tip.commit, context.root))
        return replace(verified(context, files, record.place_of(tip, vault)), tip=tip)
    except VaultError as failure:
        if failure.code == "VAULT_NOT_FOUND":
            return None
        if failure.code == "WRONG_VAULT" and vault is not None:
            from ..trust.moved_vault import find_moved_vault

            moved = find_moved_vault(repository, tip.commit, vault)
            if moved is not None:
                raise other_vault_after_move(failure, tip.ref, moved) from failure
        raise
