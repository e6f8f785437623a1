"""Asks a vault's remote for its newest states. No branch moves, and no file of the work tree changes."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Mapping

from ..git.git_folders import find_git_folders
from ..git.may_have_remote import may_have_remote
from ..keys.key_file import Keys
from ..trust.made_states import is_pushed
from ..trust.memory_store import read_memory
from ..trust.trust_context import TrustContext
from .fetch_record import FetchRecord, read_fetch_record

#: One fetch for a vault at a time in this process. The next one finds that the remote has just been asked.
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

if hasattr(os, "register_at_fork"):
    # The thread that holds a lock, such as a watch's, is not in the child.
    os.register_at_fork(after_in_child=_turns.clear)


def fetch_states(root: str, keys: Keys | None, env: Mapping[str, str], *, always: bool = False) -> None:
    """
    Fetches the branch that the checked-out one follows, and the vault's main branch, into refs of our own.

    With `always` the remote is asked also if it was asked within the vault's `pull_interval`. What prevents it is a warning, given once,
    because what is here can still be read; with `always` it is given each time. What was fetched is verified when it is read. Raises
    `GIT_FAILED` if `AGENT_VAULT_REQUIRE_FRESH` is set, and in strict mode if a fetch begins and cannot end.
    """
    if not may_have_remote(os.path.dirname(root), env):
        return
    with _turns[root]:
        context = TrustContext(root, keys, env)
        record = read_fetch_record(root, find_git_folders(os.path.dirname(root)))
        if not always and record and _was_asked_recently(record) and not _is_known_to_be_old(context, record):
            return
        from .ask_remote import ask_for_states

        ask_for_states(context, on_purpose=always)


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
