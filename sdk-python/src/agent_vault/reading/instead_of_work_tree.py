"""Finds a state that is read in place of a work tree whose files are not what was signed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from ..errors import VaultError
from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from ..format.file_source import FileReader
from ..format.layout import LOCK_FILE, LOCK_SIGNATURE_FILE
from ..git.git_folders import read_text
from ..lock.open_lock import SignedLock, is_joined, try_open_lock
from ..sync.fetch_record import FetchRecord
from ..trust.place import work_tree_place
from ..trust.trust_context import TrustContext
from .open_fetched import ChosenState, open_tip, verified
from .usable_state import VaultChanges, is_broken, open_behind, try_whole

#: What git keeps while a person has something to finish.
_OPERATIONS = ("rebase-merge", "rebase-apply", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")


def open_instead(context: TrustContext, record: FetchRecord | None, problem: VaultError) -> ChosenState:
    """
    What is committed, or what was fetched, if it is the very state of the work tree or a newer one.

    While the person has a merge or a rebase to finish, or git has joined two states and no owner has signed the result, that is what was
    committed before it. If nothing was fetched (`record`), only what
    a merge or a rebase has left is passed over, as nobody but the person can have edited the files. Raises `problem`, which is what is
    wrong with them, if there is none.
    """
    has_joined = _has_joined(context)
    if problem.code == "TOO_NEW" or (record is None and not has_joined and not _has_unfinished_operation(context)):
        raise problem
    lock = _try_lock(VaultFolder(context.root))
    for find in _candidates(context, record, lock.lock.vault if lock else None, has_joined):
        found = try_whole(find)
        # A lock that nobody signed says nothing.
        if found is None or found.trusted is None or (lock and not found.trusted.covers(lock.digest)):
            continue
        context.warn(
            f"The vault's files in the work tree are not those of a signed state, so state "
            f"{found.trusted.signed.lock.sequence} is read as it was {'fetched' if found.tip else 'committed'}. {problem.message} "
            + (
                "Until an owner runs agent-vault sync, what the merge brings is not read."
                if has_joined
                else "See what was changed: git status. A merge or a rebase that was begun has to be finished first."
            )
        )
        return found
    raise problem


def _candidates(
    context: TrustContext, record: FetchRecord | None, vault: str | None, has_joined: bool
) -> Iterator[Callable[[], ChosenState | None]]:
    for commit in [*_committed_here(context), *(_commits_behind(context) if has_joined else [])]:
        yield lambda commit=commit: _open_commit(context, record, commit)  # type: ignore[misc]
    if record:
        yield lambda: _open_whole(context, record, vault)


def _open_whole(context: TrustContext, record: FetchRecord, vault: str | None) -> ChosenState | None:
    """The state of the ref that the checked-out branch follows, or of the vault's main one, of which every file counts."""
    tip = record.upstream or record.home
    try:
        found = open_tip(context, record, tip, vault)
        if found:
            found.files.require_all()
    except VaultError as failure:
        if tip is None or not is_broken(failure):
            raise
        return open_behind(context, record, tip, failure, vault)
    return found


def _has_joined(context: TrustContext) -> bool:
    """Whether git has joined states in the work tree, and no owner has signed the result."""
    try:
        return is_joined(VaultFolder(context.root).read(LOCK_FILE))
    except VaultError:
        return False


def _commits_behind(context: TrustContext) -> list[str]:
    """The commits from before git joined states in HEAD: first those of this branch, then those that came with the merge."""
    from ..git.repository import GitRepository

    if context.folders is None:
        return []
    changes = VaultChanges(GitRepository.locate(context.folders, context.env), context.root, "HEAD")
    return changes.behind()


def _has_unfinished_operation(context: TrustContext) -> bool:
    folders = context.folders
    return folders is not None and any(os.path.exists(os.path.join(folders.git_dir, name)) for name in _OPERATIONS)


def _try_lock(files: FileReader) -> SignedLock | None:
    """The lock among some files, if its signature is valid, by whomever it was made."""
    try:
        return try_open_lock(files.read(LOCK_FILE), files.read(LOCK_SIGNATURE_FILE))
    except VaultError:
        return None


def _committed_here(context: TrustContext) -> list[str]:
    """What HEAD is at, and what it was at before a rebase."""
    folders = context.folders
    if folders is None:
        return []
    files = [os.path.join(folders.git_dir, name, "orig-head") for name in ("rebase-merge", "rebase-apply")]
    before = [(read_text(file) or "").strip() for file in files]
    return ["HEAD", *(commit for commit in before if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", commit))]


def _open_commit(context: TrustContext, record: FetchRecord | None, commit: str) -> ChosenState:
    from ..files.commit_files import CommitFiles
    from ..git.repository import GitRepository

    assert context.folders is not None
    files = VaultFiles(CommitFiles(GitRepository.locate(context.folders, context.env), commit, context.root))
    signed = _try_lock(files)
    tips = (record.upstream, record.home) if record and signed else ()
    same = next((tip for tip in tips if tip and signed and tip.commit is not None and tip.lock == signed.digest), None)
    return verified(context, files, record.place_of(same) if record and same else work_tree_place(context.root, context.env))
