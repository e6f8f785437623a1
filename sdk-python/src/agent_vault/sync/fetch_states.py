"""Asks a vault's remote for its newest states. No branch moves, and no file of the work tree changes."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..git.git_folders import find_git_folders
from ..git.may_have_remote import may_have_remote
from ..keys.key_file import Keys
from ..trust.made_states import is_pushed
from ..trust.memory_store import read_memory
from ..trust.trust_context import TrustContext
from .fetch_record import FetchRecord, read_fetch_record

if TYPE_CHECKING:
    from ..git.remote_url import RepositoryUrl
    from .clones import CloneFolder

#: One fetch for a vault at a time in this process. The next one finds that the remote has just been asked.
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

if hasattr(os, "register_at_fork"):
    # The thread that holds a lock, such as a watch's, is not in the child.
    os.register_at_fork(after_in_child=_turns.clear)


def fetch_states(root: str, keys: Keys | None, env: Mapping[str, str], *, always: bool = False, url: RepositoryUrl | None = None) -> None:
    """
    Fetches the branch that the checked-out one follows, and the vault's main branch, into refs of our own.

    With `always` the remote is asked also if it was asked within the vault's `pull_interval`. What prevents it is a warning, given once,
    because what is here can still be read; with `always` it is given each time. What was fetched is verified when it is read. `url`
    is the one of the clone of a repository's URL.

    Raises `GIT_FAILED` if `AGENT_VAULT_REQUIRE_FRESH` is set, and in strict mode if a fetch begins and cannot end.
    """
    if not may_have_remote(os.path.dirname(root), env):
        return
    with _turns[root]:
        context = TrustContext(root, keys, env)
        if not always and not _is_needed(context):
            return
        clone = _clone_at(root, url, env) if url else None
        if url and clone:
            from .clones import refresh_clone

            refresh_clone(url, clone, context, on_purpose=always, is_needed=lambda: always or _is_needed(context))
            return
        from .ask_remote import ask_for_states

        ask_for_states(context, on_purpose=always, url=url)


def _clone_at(root: str, url: RepositoryUrl, env: Mapping[str, str]) -> CloneFolder | None:
    from .clones import existing_clone

    clone = existing_clone(url, env)
    return clone if clone and clone.root == root else None


def _is_needed(context: TrustContext) -> bool:
    record = read_fetch_record(context.root, find_git_folders(os.path.dirname(context.root)))
    if record is None or any(tip is not None and tip.is_whole is False for tip in (record.home, record.upstream)):
        return True
    return not _was_asked_recently(record) or _is_known_to_be_old(context, record)


def _was_asked_recently(record: FetchRecord) -> bool:
    """Whether the remote was asked within the vault's interval, whether or not it answered. A time in the future says nothing."""
    return 0 <= time.time() * 1000 - record.tried_at < record.interval_s * 1000


def _is_known_to_be_old(context: TrustContext, record: FetchRecord) -> bool:
    """Whether another clone on this machine has fetched or pushed something since."""
    memory = None if record.vault is None else read_memory(context.home, record.vault)
    for tip in (record.home, record.upstream):
        if memory is None or tip is None or tip.lock is None:
            continue
        seen = memory.states_on(record.remote, tip.ref)
        if seen and all(state.lock != tip.lock for state in seen):
            return True
        for made in memory.made:
            is_followed = made.follows is not None and (made.follows.remote, made.follows.ref) == (record.remote, tip.ref)
            if is_followed and made.lock != tip.lock and is_pushed(made, context.env):
                return True
    return False
