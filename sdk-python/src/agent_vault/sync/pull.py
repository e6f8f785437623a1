"""Brings a vault's branch up to date with its upstream by a fast-forward, and in no other way."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Mapping

from ..disk.write_lock import write_lock
from ..errors import VaultError, is_verification_error, warn
from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from ..git.errors import GitError
from ..git.fetch import fetch
from ..git.may_have_remote import may_have_remote
from ..git.repository import GitRepository
from ..git.run_git import NO_HOOKS
from ..keys.key_file import Keys
from ..trust.trust_context import TrustContext
from ..trust.upstream import Upstream, find_upstream, verify_upstream

#: The longest time that a vault's `pull_interval` can keep readers from fetching.
MAX_PULL_INTERVAL_S = 86_400
_NOT_PULLED = "The vault could not be pulled, so this is the local state"

#: One pull of a vault at a time in this process. The next one finds that the last one has just fetched.
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
#: The warnings about a vault since it was last up to date, by kind. A program that reads many secrets gets each of them once.
_warned: defaultdict[str, set[str]] = defaultdict(set)


def pull(root: str, keys: Keys | None, env: Mapping[str, str], *, always: bool = False) -> None:
    """
    Fetches and fast-forwards; with `always` also within the vault's `pull_interval`.

    Nothing is reset or merged, and a vault with uncommitted changes is left alone. What prevents a pull is a warning, because the local
    state can still be read. What the upstream offers is verified before it reaches the work tree, and also if it does not: a failed
    verification is an error. Raises as `verify_remote`.
    """
    if not may_have_remote(os.path.dirname(root), env):
        return
    with _turns[root]:
        try:
            if _update(root, keys, env, always=always):
                _warned.pop(root, None)
        except VaultError as failure:
            if is_verification_error(failure):
                raise
            _warn_once(root, "failed", f"{_NOT_PULLED}: {failure.message}")


def _update(root: str, keys: Keys | None, env: Mapping[str, str], *, always: bool) -> bool:
    """Whether the branch is now known to be up to date with its upstream."""
    repository = GitRepository.find(os.path.dirname(root), env)
    if repository is None or repository.has_unfinished_operation() or find_upstream(repository) is None:
        return False
    is_recent = not always and _was_fetched_within(repository, _pull_interval_s(root))
    has_fetched = not is_recent and _try_fetch(repository, root)
    # Another process may have fetched, so the upstream can be ahead even if nothing was fetched here.
    upstream = find_upstream(repository)
    if upstream is None or (upstream.head == upstream.commit and is_recent):
        return False
    counts = repository.run(["rev-list", "--left-right", "--count", f"{upstream.head}...{upstream.commit}"]).split()
    ahead, behind = int(counts[0]), int(counts[1])
    verify_upstream(TrustContext(root, keys, env), repository, upstream, is_update=behind != 0 and ahead == 0)
    if behind == 0:
        return has_fetched
    if ahead != 0:
        _warn_once(
            root, "diverged", f"This branch and {upstream.name} have diverged, so nothing was pulled. Merge them with git, then push."
        )
        return False
    return _fast_forward(repository, root, upstream)


def _try_fetch(repository: GitRepository, root: str) -> bool:
    try:
        fetch(repository)
    except GitError as failure:
        # Another process fetches at the same time, and its result is as good.
        if failure.kind != "locked_ref":
            _warn_once(root, "offline", f"{_NOT_PULLED}: {failure.message}")
        return False
    return True


def _fast_forward(repository: GitRepository, root: str, upstream: Upstream) -> bool:
    """Whether the work tree now has the upstream's commit."""
    vault = repository.path_of(root)
    try:
        with write_lock(repository.lock_folder):
            if repository.run(["status", "--porcelain", "-z", "--", f":(top,literal){vault}"]):
                _warn_once(
                    root,
                    "dirty",
                    f"The vault has uncommitted changes, so {upstream.name} was not pulled. Commit or undo them (git status {vault}).",
                )
                return False
            repository.run([*NO_HOOKS, "merge", "--ff-only", "--no-overwrite-ignore", "--quiet", upstream.commit])
    except VaultError as failure:
        _warn_once(root, "refused", f"{upstream.name} could not be pulled: {failure.message}")
        return False
    return True


def _pull_interval_s(root: str) -> float:
    """0 if the configuration cannot be read, so that a correction can be fetched."""
    try:
        return min(VaultFiles(VaultFolder(root)).pull_interval(), MAX_PULL_INTERVAL_S)
    except VaultError:
        return 0


def _was_fetched_within(repository: GitRepository, seconds: float) -> bool:
    """Whether git fetched within `seconds`, successfully or not: it changes FETCH_HEAD each time. A time in the future does not count."""
    try:
        age = time.time() - os.stat(os.path.join(repository.git_dir, "FETCH_HEAD")).st_mtime
    except OSError:
        return False
    return 0 <= age < seconds


def _warn_once(root: str, kind: str, message: str) -> None:
    if kind not in _warned[root]:
        warn(message)
    _warned[root].add(kind)
