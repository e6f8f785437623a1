"""Chooses the one state that is read: the work tree's, or one that was fetched."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import VaultError, is_verification_error
from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from ..format.layout import LOCK_FILE
from ..git.partial_clone import is_partial_clone
from ..lock.digest import digest_of
from ..sync.fetch_record import FetchedTip, FetchRecord, read_fetch_record
from ..trust.errors import branch_name
from ..trust.place import work_tree_place
from ..trust.trust_context import TrustContext
from .gone_from_clone import gone_from_clone
from .instead_of_work_tree import open_instead
from .judging_states import with_judges
from .open_fetched import ChosenState, verified
from .usable_state import is_broken, open_behind, open_fetched


def choose_state(context: TrustContext, *, local_only: bool = False, is_second_look: bool = False) -> ChosenState:
    """
    Of the work tree's state and the fetched one that which lists the other, and the work tree's if neither does.

    What was fetched is read out of git's objects. Never a mixture: all files come from one of the two. Beside it comes what judges its
    uses, by `with_judges`. `local_only` leaves out what was fetched, except for those rules. `is_second_look`: nobody is halfway through a
    change; then what is in the work tree and not right is passed over, if what was committed or fetched can be used. Raises as `verify`.
    """
    record = read_fetch_record(context.root, context.folders)
    used = _Choice(context, None if local_only else record, is_second_look).choose()
    return with_judges(context, record, used, local_only=local_only)


def choose_instead(context: TrustContext, chosen: ChosenState, problem: VaultError, *, local_only: bool = False) -> ChosenState:
    """
    Chooses again, if a file of the state that was chosen is not what was signed, and nobody is halfway through a change.

    Raises `problem`, which is what is wrong with it, if no other state can be used.
    """
    record = read_fetch_record(context.root, context.folders)
    counting = None if local_only else record
    vault = chosen.trusted.signed.lock.vault if chosen.trusted else None
    if counting and chosen.tip:
        used = open_behind(context, counting, chosen.tip, problem, vault) if is_broken(problem) else None
    else:
        used = open_instead(context, counting, problem)
    if used is None:
        raise problem
    return with_judges(context, record, used, local_only=local_only)


@dataclass(frozen=True)
class _Choice:
    context: TrustContext
    record: FetchRecord | None
    is_second_look: bool

    def choose(self) -> ChosenState:
        record = self.record
        if record is None:
            return self._open_here()
        upstream, home = record.upstream, record.home
        if not os.path.exists(self.context.root):
            only = open_fetched(self.context, record, upstream or home)
            if only:
                return only
            if is_partial_clone(os.path.dirname(self.context.root)):
                raise gone_from_clone(self.context, record)
        digest = self._lock_here()
        same = next((tip for tip in (upstream, home) if tip and tip.lock is not None and tip.lock == digest), None)
        local = self._open_here(same)
        vault = local.trusted.signed.lock.vault if local.trusted else None
        fetched = None if same and same == upstream else open_fetched(self.context, record, upstream, vault)
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

    def _lock_here(self) -> str | None:
        """The digest of the lock in the work tree; what is wrong with it shows when it is verified."""
        try:
            content = VaultFolder(self.context.root).read(LOCK_FILE)
        except VaultError as failure:
            if not is_verification_error(failure):
                raise
            return None
        return None if content is None else digest_of(content)

    def _open_here(self, same: FetchedTip | None = None) -> ChosenState:
        """The state that is in the work tree. `same` is a remote's ref with the very same state, which is as good as that ref."""
        place = self.record.place_of(same) if self.record and same else work_tree_place(self.context.root, self.context.env)
        try:
            return verified(self.context, VaultFiles(VaultFolder(self.context.root)), place)
        except VaultError as failure:
            if not is_verification_error(failure) or not self.is_second_look:
                raise
            return open_instead(self.context, self.record, failure)
