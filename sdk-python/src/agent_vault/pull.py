"""Brings a vault's branch up to date with its upstream by a fast-forward, and in no other way."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import VaultError, is_verification_error, warn
from .folder import FileSource, VaultFolder, may_have_remote
from .git import NO_HOOKS, CommitFiles, GitRepository
from .keys import Keys
from .layout import CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE
from .lock_history import find_successor, try_open
from .trust import VaultTrust
from .vault_files import VaultFiles
from .write_lock import write_lock

#: The longest time that a vault's `pull_interval` can keep readers from fetching, in seconds.
_MAX_INTERVAL = 86_400
_NOT_PULLED = "The vault could not be pulled, so this is the local state"

#: One pull of a vault at a time in this process; the next one finds that the last was a moment ago.
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
#: What was said of a vault since it was last up to date; a program that reads on need not hear it with each secret.
_said: defaultdict[str, set[str]] = defaultdict(set)


@dataclass(frozen=True)
class _Upstream:
    """The branch of a remote that the checked-out branch follows: its commit, its name, and its URL and branch in what is remembered."""

    head: str
    commit: str
    name: str
    id: str


def pull(root: str, keys: Keys | None, env: Mapping[str, str], *, always: bool = False) -> None:
    """
    Fetches, at most once in the vault's `pull_interval` unless `always`, and fast-forwards. Nothing is reset or merged, and a vault with
    uncommitted changes is left alone; what prevents it is a warning, since the local state can still be read. What the upstream offers is
    verified before any of it reaches the work tree, and whether or not it will: that is an error.
    """
    if not may_have_remote(os.path.dirname(root)):
        return
    with _turns[root]:
        try:
            if _fast_forward(root, keys, env, always):
                _said.pop(root, None)
        except VaultError as failure:
            if is_verification_error(failure):
                raise
            _warn_once(root, "failed", f"{_NOT_PULLED}: {failure.message}")


def _fast_forward(root: str, keys: Keys | None, env: Mapping[str, str], always: bool) -> bool:
    """Whether the branch is known to be up to date with its remote."""
    repository = GitRepository.find(os.path.dirname(root), env)
    if repository is None or repository.is_busy() or _upstream(repository) is None:
        return False
    fetched = False
    recent = not always and _is_recent(repository, _pull_interval(root))
    if not recent:
        try:
            repository.fetch()
            fetched = True
        except VaultError as failure:
            # Where two fetch at once, one of them finds the other's result in its place.
            if "cannot lock ref" not in failure.message:
                _warn_once(root, "offline", f"{_NOT_PULLED}: {failure.message}")
    # Somebody else may have fetched, so the upstream can be ahead also where nothing was fetched here.
    upstream = _upstream(repository)
    if upstream is None or (upstream.head == upstream.commit and recent):
        return False
    counts = repository.run(["rev-list", "--left-right", "--count", f"{upstream.head}...{upstream.commit}"]).split()
    ahead, behind = int(counts[0]), int(counts[1])
    trust = VaultTrust(root, keys, env)
    _verify(repository, root, upstream, trust, in_full=behind != 0 and ahead == 0)
    if behind == 0:
        return fetched
    if ahead != 0:
        _warn_once(
            root,
            "diverged",
            f"This branch and {upstream.name} have diverged, so nothing was pulled. Bring them together with git, then push.",
        )
        return False
    vault = repository.path_of(root)
    try:
        with write_lock(os.path.join(repository.git_dir, "agent-vault")):
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


def _verify(repository: GitRepository, root: str, upstream: _Upstream, trust: VaultTrust, *, in_full: bool) -> None:
    source: FileSource = CommitFiles(repository, upstream.commit, root) if in_full else _Top(repository, upstream.commit, root)
    offered = try_open(source.read(LOCK_FILE), source.read(LOCK_SIGNATURE_FILE))
    successor = find_successor(repository, root, upstream.commit, offered) if offered else None
    folder = VaultFolder(root)
    present = try_open(folder.read(LOCK_FILE), folder.read(LOCK_SIGNATURE_FILE))
    trust.verify_remote(VaultFiles(source), upstream.id, present, in_full=in_full, successor=successor)


class _Top(VaultFolder):
    """The files that say what a commit's state is, without those that they vouch for."""

    def __init__(self, repository: GitRepository, commit: str, root: str) -> None:
        super().__init__(root)
        files = (LOCK_FILE, LOCK_SIGNATURE_FILE, CONFIG_FILE)
        contents = repository.contents([f"{commit}:{repository.path_of(root)}/{file}" for file in files])
        self._contents = dict(zip(files, contents, strict=True))

    def read(self, file: str) -> bytes | None:
        return self._contents.get(file)


def _upstream(repository: GitRepository) -> _Upstream | None:
    tips = (repository.text(["rev-parse", "HEAD", "@{upstream}", "--abbrev-ref", "@{upstream}"]) or "").split("\n")
    ref = (repository.text(["symbolic-ref", "--quiet", "HEAD"]) or "").strip()
    if len(tips) < 3 or not ref:
        return None
    form = "--format=%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)"
    remote, branch, tracking = [*(repository.text(["for-each-ref", form, ref]) or "").rstrip().split("\0"), "", "", ""][:3]
    if not remote or not branch or not tracking:
        return None
    url = (repository.text(["remote", "get-url", remote]) or remote).strip()
    # Without user name and password.
    url = re.sub(r"\A([a-z][a-z0-9+.-]*://)[^@/]*@", r"\1", url, flags=re.IGNORECASE)
    return _Upstream(tips[0], tips[1], tips[2], f"{url} {branch}")


def _pull_interval(root: str) -> float:
    """In seconds. A configuration that cannot be read, which may be mended upstream, keeps nobody from fetching."""
    try:
        return min(VaultFiles(VaultFolder(root)).pull_interval(), _MAX_INTERVAL)
    except VaultError:
        return 0


def _is_recent(repository: GitRepository, seconds: float) -> bool:
    """Whether git last fetched within `seconds`, successfully or not: it touches FETCH_HEAD each time. A time to come says nothing."""
    try:
        age = time.time() - os.stat(os.path.join(repository.git_dir, "FETCH_HEAD")).st_mtime
    except OSError:
        return False
    return 0 <= age < seconds


def _warn_once(root: str, outcome: str, message: str) -> None:
    if outcome not in _said[root]:
        warn(message)
    _said[root].add(outcome)
