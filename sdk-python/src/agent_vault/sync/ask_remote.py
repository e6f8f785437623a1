"""Fetches what a remote has of a vault, and notes what it said."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace

from ..errors import VaultError, warn
from ..files.vault_folder import VaultFolder
from ..format.config import SyncSettings, read_sync_settings
from ..format.layout import LOCK_FILE
from ..git.errors import GitError
from ..git.fetch_refs import fetch_refs, own_ref
from ..git.full_ref import is_full_ref
from ..git.git_folders import GitFolders
from ..git.objects import GitObject, read_contents, read_objects
from ..git.partial_clone import is_partial_clone, is_promisor_clone
from ..git.remote_refs import list_remote
from ..git.remote_url import RepositoryUrl, authorization_variables
from ..git.repository import GitRepository
from ..lock.digest import digest_of
from ..lock.lock import parse_lock
from ..lock.open_lock import claimed_vault_id
from ..trust.followed import Followed, followed_by
from ..trust.lock_history import find_newer_state
from ..trust.memory_store import read_memory
from ..trust.trust_context import TrustContext
from .fetch_record import FetchedTip, FetchRecord, read_fetch_record, write_fetch_record
from .fetch_vault_files import PartialVault
from .fetched_age import say_age
from .home_settings import is_trusted, settings_of_fetched, settings_of_home

#: Two locks, and what git says of them.
_MAX_TIP_BYTES = 32 * 1024 * 1024
#: The vaults whose remotes did not answer the last time. A program that reads many secrets gets one warning.
_warned: set[str] = set()


_Tips = tuple[FetchedTip | None, FetchedTip | None]


@dataclass(frozen=True)
class _Wanted:
    """Refs of a remote by their full names."""

    home: str | None
    upstream: str | None


def ask_for_states(context: TrustContext, *, on_purpose: bool = False, must_answer: bool = False, url: RepositoryUrl | None = None) -> None:
    """
    Fetches what `fetch_states` promises. A failure is said each time if it is `on_purpose`, and raised if it `must_answer`.

    `url` is the one of the clone of a repository's URL. Raises as `fetch_states`.
    """
    root, folders, repository = context.root, context.folders, context.repository
    if folders is None:
        return
    if url and repository:
        repository = replace(repository, remote_env=authorization_variables(repository.env, url))
    before = read_fetch_record(root, folders)
    now = int(time.time() * 1000)
    settings = read_sync_settings(VaultFolder(root)) if os.path.isdir(root) or before is None else SyncSettings(float(before.interval_s))
    try:
        if repository is None:
            raise GitError("GIT_MISSING", "There is no git that could ask it.", "Install git, or add its folder to PATH.", "missing")
        vault = claimed_vault_id(VaultFolder(root)) or (before.vault if before and url else None)
        followed = followed_by(repository, folders, settings_of_home(context, vault).remote)
        if followed is None:
            return
        memory = None if vault is None else read_memory(context.home, vault)
        # What the remote calls its main branch counts as it was first seen.
        known = memory.remotes[followed.remote].home if memory and followed.remote in memory.remotes else None
        home = next((ref for ref in (known, followed.default) if ref is not None and is_full_ref(ref)), None)
        asking = _Asking(context, repository, followed, settings.interval_s, before, now)
        fetched = asking.fetch(home, vault)
        named = asking.named_by(fetched)
        write_fetch_record(root, folders, asking.fetch(named, vault) if named else fetched)
        _warned.discard(root)
    except GitError as failure:
        # Another process fetches the same.
        if failure.kind == "locked_ref":
            return
        if must_answer:
            raise
        if on_purpose:
            _warned.discard(root)
        _note_failure(context, folders, failure, before, now, settings.interval_s)


@dataclass(frozen=True)
class _Asking:
    """A remote that is asked once."""

    context: TrustContext
    repository: GitRepository
    followed: Followed
    interval_s: float
    before: FetchRecord | None
    now: int

    def fetch(self, home: str | None, vault: str | None) -> FetchRecord:
        """Fetches the main branch and the one that is followed. Raises `GIT_FAILED`."""
        repository, root, followed = self.repository, self.context.root, self.followed
        wanted = _Wanted(home, followed.upstream)
        present = _fetch_wanted(repository, followed, wanted)
        path = repository.path_of(root)
        is_partial = is_partial_clone(repository.work_tree) or is_promisor_clone(repository.work_tree)
        partial = PartialVault(repository, followed.name, path) if is_partial else None
        tips = self._with_signed_files(partial, _read_tips(repository, root, followed.remote, present), present, vault)
        main, upstream = _tips_of(tips, wanted, present, followed)
        if main:
            main = _with_superseded(repository, root, main, self.before.home if self.before else None)
            upstream = main if upstream and upstream.ref == main.ref else upstream
        record = FetchRecord(
            tried_at=self.now,
            fetched_at=self.now,
            interval_s=self.interval_s,
            remote=followed.remote,
            path=path,
            vault=vault or _vault_id_at(repository, root, upstream or main),
            home=main,
            upstream=upstream,
        )
        return self._with_other_files(partial, record) if partial else record

    def _with_signed_files(self, partial: PartialVault | None, tips: _Tips, present: _Wanted, vault: str | None) -> _Tips:
        """In a partial clone, tips as they are once what says who signed them was fetched."""
        if partial is None:
            return tips
        before = self.before
        known = [tip for tip in (before.home, before.upstream) if tip and tip.is_whole] if before else []
        whole = {tip.commit for tip in known}
        commits = [tip.commit for tip in tips if tip and tip.commit is not None and tip.commit not in whole]
        is_seen = vault is not None and read_memory(self.context.home, vault) is not None
        if commits:
            since = before.home.commit if is_seen and before and before.home else None
            partial.fetch_signed_files(list(dict.fromkeys(commits)), since)
            tips = _read_tips(self.repository, self.context.root, self.followed.remote, present)
        without = [tip.commit for tip in tips if tip and tip.commit is not None and tip.lock is None]
        if is_seen and without:
            partial.fetch_locks_elsewhere(list(dict.fromkeys(without)))
        home, upstream = tips
        return home and replace(home, is_whole=home.commit in whole), upstream and replace(upstream, is_whole=upstream.commit in whole)

    def _with_other_files(self, partial: PartialVault, record: FetchRecord) -> FetchRecord:
        """A record of which all files are here that a trusted owner signed, and the interval of that vault."""

        def whole(tip: FetchedTip | None) -> FetchedTip | None:
            if tip is None or tip.commit is None or tip.is_whole:
                return tip
            return replace(tip, is_whole=tip.lock is None or partial.fetch_other_files(self.context, record.place_of(tip)))

        home = whole(record.home)
        upstream = home if record.upstream and record.upstream == record.home else whole(record.upstream)
        tip = upstream or home
        interval_s = record.interval_s
        if tip and tip.is_whole and tip.commit and tip.lock and not os.path.isdir(self.context.root):
            from ..files.commit_files import CommitFiles

            interval_s = read_sync_settings(CommitFiles(self.repository, tip.commit, self.context.root)).interval_s
        return replace(record, home=home, upstream=upstream, interval_s=interval_s)

    def named_by(self, fetched: FetchRecord) -> str | None:
        """The main branch as the vault's own settings name it, once it is or follows all that was seen of the one that was it so far."""
        home, followed = fetched.home, self.followed
        if home is None or home.commit is None or home.lock is None:
            return None
        if fetched.vault is not None and read_memory(self.context.home, fetched.vault):
            ref = settings_of_home(self.context, fetched.vault, followed.remote).home
        else:
            ref = settings_of_fetched(self.context, self.repository, fetched.place_of(home)).home
        if ref is None or ref == home.ref or not is_full_ref(ref):
            return None
        try:
            fetch_refs(self.repository, followed.name, {ref: own_ref(followed.remote, ref)})
        except GitError as failure:
            if failure.kind == "no_such_ref":
                return None
            raise
        (tip, _) = _read_tips(self.repository, self.context.root, followed.remote, _Wanted(ref, None))
        if tip is None or tip.commit is None:
            return None
        return ref if is_trusted(self.context, self.repository, fetched.place_of(replace(tip, is_home=True), fetched.vault)) else None


def _note_failure(
    context: TrustContext, folders: GitFolders, failure: GitError, before: FetchRecord | None, now: int, interval_s: float
) -> None:
    """Warns of a remote that could not be asked. Raises the failure if it must not be passed over."""
    # A fetch that begins and cannot end hides what the remote has; being offline does not.
    is_hidden = failure.kind in ("timed_out", "cut_short") and context.is_strict
    if is_hidden or context.env.get("AGENT_VAULT_REQUIRE_FRESH", "").lower() in ("1", "true"):
        raise failure
    if context.root not in _warned:
        warn(f"{say_age(before, now)}: {failure.message}")
    _warned.add(context.root)
    record = replace(before, tried_at=now, interval_s=interval_s) if before else FetchRecord(tried_at=now, interval_s=interval_s)
    write_fetch_record(context.root, folders, record)


def _fetch_wanted(repository: GitRepository, followed: Followed, wanted: _Wanted) -> _Wanted:
    """
    Fetches refs at once. Where one is gone, or the main one is not known yet, the remote is asked what it has.

    The refs that the remote has.
    """

    def fetch(refs: _Wanted) -> _Wanted:
        named = {ref: own_ref(followed.remote, ref) for ref in (refs.home, refs.upstream) if ref is not None}
        if named:
            fetch_refs(repository, followed.name, named)
        return refs

    if wanted.home is not None:
        try:
            return fetch(wanted)
        except GitError as failure:
            if failure.kind != "no_such_ref":
                raise
    return fetch(_present_on(repository, followed.name, wanted))


def _present_on(repository: GitRepository, name: str, wanted: _Wanted) -> _Wanted:
    """Which of the refs the remote has. A vault's main ref that is gone is followed by the one that the remote's HEAD names now."""
    found = list_remote(repository, name)

    def present(ref: str | None) -> str | None:
        return ref if ref in found.refs else None

    return _Wanted(present(wanted.home) or present(found.head), present(wanted.upstream))


def _tips_of(
    tips: tuple[FetchedTip | None, FetchedTip | None], wanted: _Wanted, present: _Wanted, followed: Followed
) -> tuple[FetchedTip | None, FetchedTip | None]:
    """What is noted of the refs, also of those that are gone. A new clone's default branch is the vault's main one under another name."""
    home = tips[0] or (FetchedTip(wanted.home) if wanted.home else None)
    upstream = tips[1] or (FetchedTip(wanted.upstream) if wanted.upstream else None)
    return (
        home and replace(home, is_home=True),
        upstream and replace(upstream, is_home=upstream.ref in (present.home, followed.default)),
    )


def _with_superseded(repository: GitRepository, root: str, tip: FetchedTip, before: FetchedTip | None) -> FetchedTip:
    """
    Notes of a tip whose vault has changed whether the new commits have a later state than it: older files were committed on top.

    Only the commits since the last fetch are looked at, because a read must not walk a long history.
    """
    if tip.commit is None or tip.lock is None or before is None:
        return tip
    if before.commit == tip.commit:
        return replace(tip, superseded=before.superseded)
    if before.commit is None or before.lock == tip.lock:
        return tip
    newer = find_newer_state(repository, root, tip.commit, since=before.commit)
    return replace(tip, superseded=newer.ref) if newer else tip


def _read_tips(repository: GitRepository, root: str, remote: str, refs: _Wanted) -> tuple[FetchedTip | None, FetchedTip | None]:
    """The commits of refs that were fetched, and the locks in them."""
    lock = f"{repository.path_of(root)}/{LOCK_FILE}"

    def read(ref: str | None) -> FetchedTip | None:
        if ref is None:
            return None
        own = own_ref(remote, ref)
        commit, found = _read_small(repository, f"{own}^{{commit}}", f"{own}:{lock}")
        return FetchedTip(
            ref,
            commit=commit.object_id if commit else None,
            lock=digest_of(found.content) if found and found.type == "blob" else None,
        )

    home = read(refs.home)
    return home, home if refs.upstream == refs.home else read(refs.upstream)


def _read_small(repository: GitRepository, *names: str) -> list[GitObject | None]:
    """What is too large for a lock is left to the reader of the commit, which says so."""
    try:
        return read_objects(repository, names, _MAX_TIP_BYTES)
    except GitError as failure:
        if failure.kind != "too_much_output":
            raise
        return [*read_objects(repository, names[:1], _MAX_TIP_BYTES), None]


def _vault_id_at(repository: GitRepository, root: str, tip: FetchedTip | None) -> str | None:
    """The id of the vault in a tip. Whether it is what it claims to be is seen later."""
    if tip is None or tip.lock is None:
        return None
    (content,) = read_contents(repository, [f"{tip.commit}:{repository.path_of(root)}/{LOCK_FILE}"], _MAX_TIP_BYTES)
    try:
        return parse_lock(content).vault if content else None
    except VaultError:
        return None
