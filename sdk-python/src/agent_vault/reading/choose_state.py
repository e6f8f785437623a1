"""Chooses the one state that is read: the work tree's, or one that was fetched."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import VaultError, is_verification_error
from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from ..format.layout import LOCK_FILE
from ..lock.digest import digest_of
from ..sync.fetch_record import FetchRecord, read_fetch_record
from ..trust.errors import branch_name
from ..trust.place import work_tree_place
from ..trust.trust_context import TrustContext
from .judging_states import with_judges
from .open_fetched import ChosenState, open_fetched, verified


def choose_state(context: TrustContext, *, local_only: bool = False) -> ChosenState:
    """
    Of the work tree's state and the fetched one that which lists the other, and the work tree's if neither does.

    What was fetched is read out of git's objects. Never a mixture: all files come from one of the two. Beside it comes what judges its
    uses, by `with_judges`. `local_only` leaves out what was fetched, except for those rules. Raises as `verify`.
    """
    record = read_fetch_record(context.root, context.folders)
    if record is None or local_only:
        used = verified(context, _work_tree(context), work_tree_place(context.root, context.env))
    else:
        used = _Choice(context, record).choose()
    return with_judges(context, record, used, local_only=local_only)


def _work_tree(context: TrustContext) -> VaultFiles:
    return VaultFiles(VaultFolder(context.root))


@dataclass(frozen=True)
class _Choice:
    context: TrustContext
    record: FetchRecord

    def choose(self) -> ChosenState:
        upstream, home = self.record.upstream, self.record.home
        if not os.path.exists(self.context.root):
            only = open_fetched(self.context, self.record, upstream or home)
            if only:
                return only
        here = _work_tree(self.context)
        content = here.read(LOCK_FILE)
        digest = digest_of(content) if content is not None else None
        same = next((tip for tip in (upstream, home) if tip and tip.lock is not None and tip.lock == digest), None)
        # A work tree with the very state of a remote's ref is as good as that ref.
        place = self.record.place_of(same) if same else work_tree_place(self.context.root, self.context.env)
        try:
            local = verified(self.context, here, place)
        except VaultError as failure:
            # Such as a state that an owner signed whose key was replaced since, and that the fetched one lists.
            newer = open_fetched(self.context, self.record, upstream) if is_verification_error(failure) and not same else None
            if newer is None or digest is None or not newer.trusted or not newer.trusted.lineage.lists(digest):
                raise
            return newer
        vault = local.trusted.signed.lock.vault if local.trusted else None
        fetched = None if same and same == upstream else open_fetched(self.context, self.record, upstream, vault)
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
