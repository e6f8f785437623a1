"""The signed states of a vault that its repository holds."""

from __future__ import annotations

import re
from collections.abc import Callable

from .errors import VaultError
from .git import GitRepository
from .layout import LOCK_FILE, LOCK_SIGNATURE_FILE
from .lock import SignedLock, is_owner, open_lock


class LockHistory:
    """All signed states on whatever branch, by the digests of their locks; none where there is no repository."""

    def __init__(self, root: str, repository: GitRepository | None) -> None:
        self._locks: dict[str, SignedLock] = {}
        #: The digests of the states that HEAD has behind it, and that of the one it holds itself.
        self.behind_head: set[str] = set()
        self.at_head: str | None = None
        if repository is None:
            return
        paths = [f"{repository.path_of(root)}/{file}" for file in (LOCK_FILE, LOCK_SIGNATURE_FILE)]

        def commits(*revisions: str) -> list[str]:
            args = ["rev-list", "--full-history", *revisions, "--", *(f":(top,literal){path}" for path in paths)]
            return (repository.text(args) or "").split()

        listed, behind = [*commits("--all", "HEAD"), "HEAD"], set(commits("HEAD"))
        files = repository.contents([f"{commit}:{path}" for commit in listed for path in paths])
        for index, commit in enumerate(listed):
            signed = try_open(files[2 * index], files[2 * index + 1])
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
        Whether a state goes back, from one to the one before, to a state for which `is_trusted` holds, and each on the way was signed by
        an owner whom the one before it names.
        """
        state = start
        while state.lock.previous is not None:
            before = self._locks.get(state.lock.previous)
            if before is None or before.lock.vault != start.lock.vault:
                return False
            if all(owner.key != state.signer for owner in before.lock.owners):
                return False
            if is_trusted(before):
                return True
            state = before
        return False


def find_successor(repository: GitRepository, root: str, revision: str, signed: SignedLock) -> SignedLock | None:
    """
    A state that an owner has made of another one, from the history of a revision that holds the former again: somebody has committed
    old files on top.
    """
    lock, signature = (f"{repository.path_of(root)}/{file}" for file in (LOCK_FILE, LOCK_SIGNATURE_FILE))
    object_id = (repository.text(["rev-parse", "--verify", "--quiet", f"{revision}:{lock}"]) or "").strip()
    if not object_id:
        return None
    args = ["log", "-m", "--full-history", "--raw", "--no-abbrev", "--no-renames", "--format=%H", revision, "--", f":(top,literal){lock}"]
    replacing: list[str] = []
    commit = ""
    for line in repository.run(args).decode("utf-8", "replace").split("\n"):
        if re.fullmatch("[0-9a-f]+", line):
            commit = line
        elif line.split(" ")[2:3] == [object_id]:
            replacing.append(commit)
    files = repository.contents([name for found in replacing for name in (f"{found}:{lock}", f"{found}:{signature}")])
    for index in range(0, len(files), 2):
        following = try_open(files[index], files[index + 1])
        if following and following.lock.previous == signed.digest and is_owner(following.signer, signed):
            return following
    return None


def try_open(content: bytes | None, signature: bytes | None) -> SignedLock | None:
    """History may hold anything that was ever pushed; what is no signed lock is no part of it."""
    if content is None or signature is None:
        return None
    try:
        return open_lock(content, signature)
    except VaultError:
        return None
