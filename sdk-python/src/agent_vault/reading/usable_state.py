"""Finds a state that can be used if a ref's own one cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import VaultError, is_verification_error
from ..files.limits import max_bytes_of
from ..format.layout import LOCK_FILE, LOCK_SIGNATURE_FILE
from ..git.errors import GitError
from ..git.objects import read_small_contents
from ..git.repository import GitRepository
from ..lock.open_lock import SignedLock, is_owner, try_open_lock
from ..sync.fetch_record import FetchedTip, FetchRecord
from ..trust.errors import branch_name
from ..trust.memory_store import read_memory
from ..trust.moved_vault import find_moved_vault
from ..trust.trust_context import TrustContext
from .open_fetched import ChosenState, open_tip

#: How many commits that changed the vault are looked at behind a ref.
_MAX_COMMITS = 64
#: What a merge by a host, an edit in a browser and a bot leave behind.
_BROKEN = frozenset({"TAMPERED", "BAD_SIGNATURE", "LINK_IN_VAULT", "DAMAGED"})
#: What a merge may leave behind, too. If one commit with one parent did that, it looks like an attack and nothing else, and is an error.
_BROKEN_BY_MERGE = frozenset({"UNSIGNED", "ROLLBACK", "FORKED"})
_UNREADABLE = frozenset({"DAMAGED", "VAULT_NOT_FOUND", "GIT_FAILED", "GIT_MISSING", "INVALID_CONFIG"})


def open_fetched(context: TrustContext, record: FetchRecord, tip: FetchedTip | None, vault: str | None = None) -> ChosenState | None:
    """
    The state of a ref as it was fetched; `None` if it has no vault.

    If a host, a web editor or a bot has made something of the vault that nobody signed, or has deleted it, it is the newest whole state
    behind that on the ref, if it is or lists all that is remembered of the ref. Raises as `verify`.
    """
    problem = None
    try:
        found = open_tip(context, record, tip, vault)
        if found or tip is None or not _is_deleted(context, record, tip, vault or record.vault):
            return found
    except VaultError as failure:
        if tip is None or not is_broken(failure):
            raise
        problem = failure
    behind = open_behind(context, record, tip, problem, vault)
    if behind is None and problem:
        raise problem
    return behind


def is_broken(failure: VaultError) -> bool:
    """Whether something other than an owner may have left a vault like this."""
    return failure.code in _BROKEN or failure.code in _BROKEN_BY_MERGE


def open_behind(
    context: TrustContext, record: FetchRecord, tip: FetchedTip, problem: VaultError | None, vault: str | None = None
) -> ChosenState | None:
    """
    The newest whole state behind a ref's commit, with a warning that names the first commit after it.

    `problem` is what is wrong with that commit's vault; `None` if it has none. The result is `None` if there is no such state, and in
    strict mode on the vault's main branch.
    """
    if tip.commit is None or context.folders is None or (context.is_strict and tip.is_home):
        return None
    changes = VaultChanges(GitRepository.locate(context.folders, context.env), context.root, tip.commit)
    newest, behind = changes.signed()
    for commit, signed in behind:
        if _has_newer([newest, *(other for _, other in behind)], signed):
            continue
        older = replace(tip, commit=commit, superseded=None)
        found = try_whole(lambda older=older: open_tip(context, record, older, vault))  # type: ignore[misc]
        if found is None or found.trusted is None:
            continue
        first = changes.first_after(commit)
        is_at_tip = newest is None or found.trusted.covers(newest.digest)
        if first is None or not (problem is None or first.is_merge or (problem.code in _BROKEN and is_at_tip)):
            return None
        what = "changed the vault, and no owner signed the result" if problem else "deleted the vault"
        how = (
            "An owner runs agent-vault sync there, or takes that commit back."
            if problem
            else "If that was a mistake, take that commit back."
        )
        context.warn(
            f"Commit {first.commit[:12]} on the branch {branch_name(tip.ref)} {what}, so state {found.trusted.signed.lock.sequence} from "
            f"before it is read. {problem.message + ' ' if problem else ''}{how}"
        )
        return found
    return None


def try_whole(find: Callable[[], ChosenState | None]) -> ChosenState | None:
    """A state of which every file is what was signed; `None` if it is none."""
    try:
        found = find()
        if found:
            found.files.require_all()
    except VaultError as failure:
        if is_verification_error(failure) or failure.code in _UNREADABLE:
            return None
        raise
    return found


def _is_deleted(context: TrustContext, record: FetchRecord, tip: FetchedTip, vault: str | None) -> bool:
    """Whether a ref had a vault, as far as this machine remembers, and has none in its commit, nor in another folder of it."""
    memory = None if vault is None or tip.commit is None else read_memory(context.home, vault)
    if memory is None or vault is None or tip.commit is None or context.folders is None:
        return False
    seen = memory.states_on_home(record.remote, tip.ref) if tip.is_home else memory.states_on(record.remote, tip.ref)
    return bool(seen) and find_moved_vault(GitRepository.locate(context.folders, context.env), tip.commit, vault) is None


def _has_newer(states: list[SignedLock | None], signed: SignedLock) -> bool:
    """Whether one of some states follows a state by an owner's signature."""
    return any(state and signed.digest in state.lock.previous and is_owner(state.signer, signed) for state in states)


@dataclass(frozen=True)
class _Change:
    """A commit that changed the vault."""

    commit: str
    is_merge: bool


@dataclass(frozen=True)
class VaultChanges:
    """The commits behind a ref's commit that changed the vault."""

    repository: GitRepository
    root: str
    tip: str

    def signed(self) -> tuple[SignedLock | None, list[tuple[str, SignedLock]]]:
        """
        The locks with valid signatures of the commit and of those behind it.

        Of the latter that with the highest sequence is first, and of two that were made at one time that which was on the ref before it
        came to the other by a merge.
        """
        commits = list(dict.fromkeys([self.tip, *self.behind()]))
        folder = self.repository.path_of(self.root)
        names = [f"{commit}:{folder}/{file}" for commit in commits for file in (LOCK_FILE, LOCK_SIGNATURE_FILE)]
        contents = read_small_contents(self.repository, names, max_bytes_of(LOCK_FILE))
        locks = [try_open_lock(content, signature) for content, signature in zip(contents[::2], contents[1::2], strict=True)]
        behind = [(commit, signed) for commit, signed in zip(commits[1:], locks[1:], strict=True) if signed]
        return locks[0], sorted(behind, key=lambda one: -one[1].lock.sequence)

    def behind(self) -> list[str]:
        """The commits behind it: first those that were on the ref before they came to others by a merge."""
        changes = [change.commit for order in ("--first-parent", "--full-history") for change in self._list(order, self.tip)]
        return list(dict.fromkeys(changes))

    def first_after(self, commit: str) -> _Change | None:
        """The first of the commits on the way from another that changed the vault."""
        return next(reversed(self._list("--full-history", "--ancestry-path", f"{commit}..{self.tip}")), None)

    def _list(self, *revisions: str) -> list[_Change]:
        """The newest first. Only the vault's path is walked."""
        args = ["rev-list", "--topo-order", f"--max-count={_MAX_COMMITS}", "--format=%H %P", *revisions]
        try:
            listing = self.repository.run([*args, "--", f":(top,literal){self.repository.path_of(self.root)}"]).decode("ascii")
        except GitError:
            return []
        lines = [line.split(" ") for line in listing.split("\n") if line and not line.startswith("commit ")]
        return [_Change(commit, len(parents) > 1) for commit, *parents in lines]
