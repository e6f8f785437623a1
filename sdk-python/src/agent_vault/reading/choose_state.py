"""Chooses the one state that is read: the work tree's, or one that was fetched."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from ..errors import VaultError, is_verification_error
from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from ..format.layout import LOCK_FILE
from ..lock.digest import digest_of
from ..sync.fetch_record import FetchedTip, FetchRecord, read_fetch_record
from ..trust.errors import branch_name, older_than_remembered, vault_gone
from ..trust.memory import SeenState
from ..trust.memory_store import read_memory
from ..trust.place import Place, work_tree_place
from ..trust.trust_context import TrustContext
from ..trust.verify import TrustedState, verify


@dataclass(frozen=True)
class ChosenState:
    """A verified state and its files."""

    files: VaultFiles
    #: `None` for an unsigned vault.
    trusted: TrustedState | None
    #: The files of the vault's main branch, if their state is not the one that is used nor behind it: their rules judge as well.
    home: VaultFiles | None = None
    #: A state of the main branch that is not behind the one that is used, and whose files are not here.
    missing: SeenState | None = None

    def require_rules(self) -> None:
        """Requires that the rules of the main branch are here, where rules judge. Raises `ROLLBACK`."""
        if self.trusted:
            self.trusted.require_not_older_than_remembered()
            if self.missing:
                raise older_than_remembered(self.trusted.signed, self.missing)


def choose_state(context: TrustContext, *, local_only: bool = False) -> ChosenState:
    """
    Of the work tree's state and the fetched one that which lists the other, and the work tree's if neither does.

    What was fetched is read out of git's objects. Never a mixture: all files come from one of the two. Rules are never older than what is
    known of the vault's main branch, or anybody who can push a branch at an old commit would choose the policy. `local_only` leaves out
    what was fetched, except for the rules of the main branch. Raises as `verify`.
    """
    record = read_fetch_record(context.root, context.folders)
    if record is None:
        used = _verified(context, _work_tree(context), work_tree_place(context.root, context.env))
        return _with_accepted_policy(context, used)
    return _Choice(context, record, local_only).choose()


def _with_accepted_policy(context: TrustContext, used: ChosenState) -> ChosenState:
    """Without a remote, the policy of the newest state that was accepted counts on every branch."""
    trusted = used.trusted
    memory = read_memory(context.home, trusted.signed.lock.vault) if trusted else None
    accepted = memory.accepted if memory else ()
    missing = next((state for state in accepted if state.policy and trusted and not trusted.covers(state.lock)), None)
    return replace(used, missing=missing) if missing else used


def _work_tree(context: TrustContext) -> VaultFiles:
    return VaultFiles(VaultFolder(context.root))


def _verified(context: TrustContext, files: VaultFiles, place: Place) -> ChosenState:
    return ChosenState(files, verify(context, files, place))


@dataclass(frozen=True)
class _Choice:
    context: TrustContext
    record: FetchRecord
    local_only: bool

    def choose(self) -> ChosenState:
        local = self.context, _work_tree(self.context), work_tree_place(self.context.root, self.context.env)
        return self._with_home_rules(_verified(*local) if self.local_only else self._choose_fetched())

    def _choose_fetched(self) -> ChosenState:
        upstream, home = self.record.upstream, self.record.home
        if not os.path.exists(self.context.root):
            only = self._open(upstream or home)
            if only:
                return only
        here = _work_tree(self.context)
        content = here.read(LOCK_FILE)
        digest = digest_of(content) if content is not None else None
        same = next((tip for tip in (upstream, home) if tip and tip.lock is not None and tip.lock == digest), None)
        # A work tree with the very state of a remote's ref is as good as that ref.
        place = self.record.place_of(same) if same else work_tree_place(self.context.root, self.context.env)
        try:
            local = _verified(self.context, here, place)
        except VaultError as failure:
            # Such as a state that an owner signed whose key was replaced since, and that the fetched one lists.
            newer = self._open(upstream) if is_verification_error(failure) and not same else None
            if newer is None or digest is None or not newer.trusted or not newer.trusted.lineage.lists(digest):
                raise
            return newer
        vault = local.trusted.signed.lock.vault if local.trusted else None
        fetched = None if same and same == upstream else self._open(upstream, vault)
        if fetched is None:
            return local
        if not local.trusted or not fetched.trusted:
            return local if local.trusted else fetched
        if fetched.trusted.lineage.lists(local.trusted.signed.digest):
            return fetched
        if not local.trusted.covers(fetched.trusted.signed.digest) and upstream:
            self.context.warn(
                f"The vault was changed here and on the remote's {branch_name(upstream.ref)}, so what is here is read. "
                "Bring the two together: agent-vault sync."
            )
        return local

    def _with_home_rules(self, used: ChosenState) -> ChosenState:
        """Finds what judges beside the state that is used. Raises `ROLLBACK` if the vault is gone from its main branch."""
        trusted, home = used.trusted, self.record.home
        if trusted is None or home is None:
            return used
        is_home = home.lock == trusted.signed.digest
        main = None if is_home else self._open_home(trusted)
        memory = read_memory(self.context.home, trusted.signed.lock.vault)
        seen = memory.states_on_home(self.record.remote, home.ref) if memory else ()
        if not is_home and main is None and seen and not self.local_only:
            raise vault_gone(self.record.remote, home.ref, seen[0])
        judging = main if main and main.trusted and not trusted.lineage.lists(main.trusted.signed.digest) else None
        covering = [state for state in (trusted, judging.trusted if judging else None) if state]
        missing = next((state for state in seen if not any(one.covers(state.lock) for one in covering)), None)
        return replace(used, home=judging.files if judging else None, missing=missing)

    def _open_home(self, trusted: TrustedState) -> ChosenState | None:
        try:
            return self._open(self.record.home, trusted.signed.lock.vault)
        except VaultError as failure:
            if self.local_only and is_verification_error(failure):
                return None
            raise

    def _open(self, tip: FetchedTip | None, vault: str | None = None) -> ChosenState | None:
        """The state of a ref as it was fetched, out of git's objects; `None` if it has no vault. Raises as `verify`."""
        context = self.context
        if tip is None or tip.commit is None or context.folders is None:
            return None
        from ..files.commit_files import CommitFiles
        from ..git.repository import GitRepository

        repository = GitRepository.locate(context.folders, context.env)
        try:
            files = VaultFiles(CommitFiles(repository, tip.commit, context.root))
        except VaultError as failure:
            if failure.code == "VAULT_NOT_FOUND":
                return None
            raise
        return _verified(context, files, self.record.place_of(tip, vault))
