"""The signed states of a vault in the history of its repository."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..files.limits import max_bytes_of
from ..format.layout import LOCK_FILE, LOCK_SIGNATURE_FILE
from ..git.objects import read_small_contents
from ..git.repository import GitRepository
from ..lock.open_lock import SignedLock, is_owner, try_open_lock


class LockHistory:
    """The signed states on all branches, by the digests of their locks; none without a repository."""

    def __init__(self, root: str, repository: GitRepository | None) -> None:
        self._locks: dict[str, SignedLock] = {}
        #: The digests of the states in the history of HEAD, and of the one in HEAD itself.
        self.behind_head: set[str] = set()
        self.at_head: str | None = None
        if repository is None:
            return
        paths = [f"{repository.path_of(root)}/{file}" for file in (LOCK_FILE, LOCK_SIGNATURE_FILE)]

        def commits(*revisions: str) -> list[str]:
            args = ["rev-list", "--full-history", *revisions, "--", *(f":(top,literal){path}" for path in paths)]
            return (repository.try_run(args) or "").split()

        listed, behind = [*commits("--all", "HEAD"), "HEAD"], set(commits("HEAD"))
        files = read_small_contents(repository, [f"{commit}:{path}" for commit in listed for path in paths], max_bytes_of(LOCK_FILE))
        for index, commit in enumerate(listed):
            signed = try_open_lock(files[2 * index], files[2 * index + 1])
            if signed is None:
                continue
            self._locks[signed.digest] = signed
            if commit in behind:
                self.behind_head.add(signed.digest)
            if commit == "HEAD":
                self.at_head = signed.digest

    def __len__(self) -> int:
        return len(self._locks)

    def states(self) -> list[SignedLock]:
        return list(self._locks.values())

    def get(self, digest: str) -> SignedLock | None:
        return self._locks.get(digest)

    def leads_back(self, start: SignedLock, is_trusted: Callable[[SignedLock], bool]) -> bool:
        """
        Whether a chain of previous states leads to one for which `is_trusted` is true.

        Each state on the way must be signed by an owner whom all its previous states name that are here: a merge takes nobody back whom
        one of its parents has removed.
        """
        states, looked = [start], set[str]()
        while states:
            state = states.pop()
            parents = [found for digest in state.lock.previous if (found := self._locks.get(digest)) is not None]
            if not all(parent.lock.vault == start.lock.vault and self.is_owner_in(parent, state.signer) for parent in parents):
                continue
            if any(is_trusted(parent) for parent in parents):
                return True
            states.extend(parent for parent in parents if parent.digest not in looked)
            looked.update(parent.digest for parent in parents)
        return False

    def is_owner_in(self, state: SignedLock, key: str) -> bool:
        """Whether a key is an owner's in a state, or the one by which an owner of it has replaced theirs, signed by the former key."""
        if is_owner(key, state):
            return True
        owners = {(owner.name, owner.key) for owner in state.lock.owners}
        return any(
            owner.key == key and (owner.name, other.signer) in owners
            for other in self._locks.values()
            if other.lock.vault == state.lock.vault
            for owner in other.lock.owners
        )


def find_newer_state(
    repository: GitRepository, root: str, revision: str, signed: SignedLock | None = None, since: str | None = None
) -> SignedLock | None:
    """
    A state that follows the one of a revision and that an earlier commit has: old files were committed on top of newer ones.

    `signed` is the state of the revision, if it was read already. Only commits after `since` are looked at, if it is given.
    """
    folder = repository.path_of(root)
    commits = commits_replacing_lock(repository, folder, revision, since)
    if not commits:
        return None
    names = [f"{commit}:{folder}/{file}" for commit in [revision, *commits] for file in (LOCK_FILE, LOCK_SIGNATURE_FILE)]
    files = read_small_contents(repository, names, max_bytes_of(LOCK_FILE))
    signed = signed or try_open_lock(files[0], files[1])
    for index in range(2, len(files), 2):
        newer = try_open_lock(files[index], files[index + 1])
        if signed and newer and signed.digest in newer.lock.previous and is_owner(newer.signer, signed):
            return newer
    return None


def commits_replacing_lock(repository: GitRepository, folder: str, revision: str, since: str | None = None) -> list[str]:
    """The commits behind a revision that replaced the lock that it has. `folder` is the vault's in the repository, with `/`."""
    lock = f"{folder}/{LOCK_FILE}"
    object_id = (repository.try_run(["rev-parse", "--verify", "--quiet", f"{revision}:{lock}"]) or "").strip()
    if not object_id:
        return []
    range_ = [*([] if since is None else [f"^{since}"]), revision]
    args = ["log", "-m", "--full-history", "--raw", "--no-abbrev", "--no-renames", "--format=%H", *range_, "--", f":(top,literal){lock}"]
    return _commits_replacing(object_id, repository.run(args).decode("utf-8", "replace"))


def _commits_replacing(object_id: str, log: str) -> list[str]:
    """The commits in the output of `git log --raw --format=%H` that replace an object by another."""
    commits: list[str] = []
    commit = ""
    for line in log.split("\n"):
        if re.fullmatch("[0-9a-f]+", line):
            commit = line
        elif line.split(" ")[2:3] == [object_id]:
            commits.append(commit)
    return commits
