"""Fetches the files of vaults into a partial clone, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import VaultError, is_verification_error
from ..files.limits import max_bytes_of
from ..format.layout import LOCK_FILE, LOCK_SIGNATURE_FILE, STATES_FILE, classify
from ..git.errors import GitError
from ..git.objects import read_small_contents
from ..git.partial_clone import WantedFiles, fetch_blobs, missing_files, missing_in_history
from ..git.repository import GitRepository
from ..lock.ancestry import Ancestry
from ..lock.open_lock import try_open_lock
from ..trust.lock_history import commits_replacing_lock
from ..trust.moved_vault import vault_folders_in
from ..trust.place import FetchedPlace
from ..trust.trust_context import TrustContext
from .home_settings import is_trusted

#: What all files of a vault that are fetched at once may have, in bytes.
_MAX_FETCH_BYTES = 1024**3
#: What one file takes more in a pack, in bytes: its header, and what zlib adds to bytes that it cannot compress.
_PACK_OVERHEAD_BYTES = 4096
_LOCKS = (LOCK_FILE, LOCK_SIGNATURE_FILE)


@dataclass(frozen=True)
class PartialVault:
    """A partial clone and the vault that is fetched into it. `folder` is the vault's in the repository, with `/`."""

    repository: GitRepository
    remote: str
    folder: str

    def fetch_signed_files(self, revisions: Sequence[str], since: str | None) -> None:
        """
        Fetches what says who signed the vaults of commits: the files at their top, and owners.

        The commits may be anybody's, so nothing is asked for that belongs in no vault, and no more is taken than such files can have.
        `since` is a commit that was fetched before: of those in between, locks that were replaced are fetched too. Raises `GIT_FAILED`.
        """
        paths = [f"{self.folder}/{path}" for path in ("", "owners/", "signers/")]
        self._fetch([WantedFiles(revision, paths, only=self._belongs) for revision in revisions])
        locks = [f"{self.folder}/{file}" for file in _LOCKS]
        replaced = [commit for revision in revisions for commit in commits_replacing_lock(self.repository, self.folder, revision, since)]
        self._fetch([WantedFiles(commit, locks) for commit in replaced])
        for revision in revisions:
            if self._needs_history(revision):
                self._fetch_history(revision, locks)

    def fetch_other_files(self, context: TrustContext, place: FetchedPlace) -> bool:
        """
        Fetches the other files of a vault, once what was fetched before has been found to be signed by a trusted owner.

        Whether all files are here. Raises `GIT_FAILED`.
        """
        if not is_trusted(context, self.repository, place):
            return False
        self._fetch([WantedFiles(place.commit, [f"{self.folder}/"], recursive=True, only=self._belongs)])
        return True

    def fetch_locks_elsewhere(self, revisions: Sequence[str]) -> None:
        """Fetches the locks of the vaults in other folders: by them it is said where one was moved to. Raises `GIT_FAILED`."""
        ids: dict[str, str] = {}
        for revision in revisions:
            paths = [f"{folder}/{file}" for folder in vault_folders_in(self.repository, revision) for file in _LOCKS]
            ids |= missing_files(self.repository, WantedFiles(revision, paths)) if paths else {}
        fetch_blobs(self.repository, self.remote, set(ids), len(ids) * (max_bytes_of(LOCK_FILE) + _PACK_OVERHEAD_BYTES))

    @property
    def _belongs(self) -> Callable[[str], bool]:
        start = len(self.folder) + 1
        return lambda path: classify(path[start:]).kind != "stray"

    def _fetch(self, wanted: Sequence[WantedFiles]) -> None:
        ids: dict[str, str] = {}
        for each in wanted:
            ids |= missing_files(self.repository, each)
        most = sum(max_bytes_of(path[len(self.folder) + 1 :]) + _PACK_OVERHEAD_BYTES for path in ids.values())
        fetch_blobs(self.repository, self.remote, set(ids), min(most, _MAX_FETCH_BYTES))

    def _needs_history(self, revision: str) -> bool:
        """Whether the states behind the one in a revision are not all in its own list, as after a change by agent-vault 0.2.0."""
        names = [f"{revision}:{self.folder}/{file}" for file in (*_LOCKS, STATES_FILE)]
        lock, signature, states = read_small_contents(self.repository, names, max_bytes_of(STATES_FILE))
        signed = try_open_lock(lock, signature)
        if signed is None:
            return False
        try:
            ancestry = Ancestry.parse(states)
        except VaultError as failure:
            if is_verification_error(failure):
                return False
            raise
        return any(digest not in ancestry for digest in signed.lock.previous)

    def _fetch_history(self, revision: str, locks: Sequence[str]) -> None:
        """Fetches all locks behind a revision. If they are more than can be read, what is behind its state is not known."""
        try:
            missing = missing_in_history(self.repository, revision, locks)
            fetch_blobs(self.repository, self.remote, missing, min(len(missing) * max_bytes_of(LOCK_FILE), _MAX_FETCH_BYTES))
        except GitError as failure:
            if failure.kind != "too_much_output":
                raise
