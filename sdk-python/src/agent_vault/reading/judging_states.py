"""What judges uses beside the state that is used."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from ..errors import VaultError, is_verification_error
from ..format.layout import CONFIG_FILE, MANIFEST_FILE, POLICY_FILE
from ..git.errors import GitError
from ..git.may_have_remote import may_have_remote
from ..sync.fetch_record import FetchedTip, FetchRecord
from ..trust.errors import vault_gone, vault_moved
from ..trust.memory import Memory, SeenState
from ..trust.memory_store import read_memory, remembered_ancestry
from ..trust.remembered_rules import remembered_rules
from ..trust.trust_context import TrustContext
from ..trust.verify import TrustedState
from .open_fetched import ChosenState
from .usable_state import is_broken, open_behind, open_fetched


def with_judges(context: TrustContext, record: FetchRecord | None, used: ChosenState, *, local_only: bool) -> ChosenState:
    """
    Adds the rules of the vault's main branch, as it was fetched, and as this machine remembers it.

    Rules are never older than what is known, or anybody who can push a branch at an old commit would choose the policy, and so would
    anybody who can keep a checkout from asking its remote. `record` is `None` if the remote was never asked from here. `local_only` leaves
    out what was fetched, except for these rules. Raises `ROLLBACK` if the vault is gone from its main branch, and as `verify` of that
    branch.
    """
    trusted = used.trusted
    if trusted is None:
        return used
    memory = read_memory(context.home, trusted.signed.lock.vault)
    if record is None or record.home is None:
        states = _states_of_remote(context, memory, trusted) if memory else ()
        return _with_remembered(context, used, _uncovered(states, trusted))
    home = record.home
    is_home = home.lock == trusted.signed.digest
    main = None if is_home else _open_home(context, record, trusted, local_only=local_only)
    seen = memory.states_on_home(record.remote, home.ref) if memory else ()
    if not is_home and main is None and seen and not local_only:
        raise _gone_from(context, record, home, trusted.signed.lock.vault, seen[0])
    main_state = main.trusted if main else None
    known = _uncovered(seen, trusted, main_state)
    judging = [main.files] if main and main_state and not _is_passed(context, trusted, known, main_state.signed.digest) else []
    return _with_remembered(context, replace(used, homes=tuple(judging), main=main_state), known)


def _open_home(context: TrustContext, record: FetchRecord, trusted: TrustedState, *, local_only: bool) -> ChosenState | None:
    """
    The state of the main branch as it was fetched, by which uses are judged.

    If what was fetched does not count, what is wrong with it does not either.
    """
    try:
        main = open_fetched(context, record, record.home, trusted.signed.lock.vault)
        return _open_rules(context, record, main, main.tip) if main and main.tip else None
    except VaultError as failure:
        if local_only and is_verification_error(failure):
            return None
        raise


def _open_rules(context: TrustContext, record: FetchRecord, main: ChosenState, tip: FetchedTip) -> ChosenState:
    """The state itself if its rules are what was signed, or one behind it. Raises what is wrong with them."""
    try:
        for file in (MANIFEST_FILE, POLICY_FILE, CONFIG_FILE):
            main.files.read(file)
    except VaultError as failure:
        vault = main.trusted.signed.lock.vault if main.trusted else None
        behind = open_behind(context, record, tip, failure, vault) if is_broken(failure) else None
        if behind is None:
            raise
        return behind
    return main


def _is_passed(context: TrustContext, trusted: TrustedState, known: Sequence[SeenState], digest: str) -> bool:
    """Whether the state that is used, or one that judges, lists another."""
    ancestries = [remembered_ancestry(context.home, trusted.signed.lock.vault, state.lock) for state in known]
    return trusted.lineage.lists(digest) is True or any(ancestry is not None and digest in ancestry for ancestry in ancestries)


def _with_remembered(context: TrustContext, used: ChosenState, states: Sequence[SeenState]) -> ChosenState:
    """Adds what the memory has kept of states of the main branch."""
    assert used.trusted is not None
    rules = [(state, remembered_rules(context, used.trusted.signed.lock.vault, state.lock)) for state in states]
    homes = (*used.homes, *(files for _, files in rules if files is not None))
    return replace(used, homes=homes, missing=next((state for state, files in rules if files is None), None))


def _uncovered(states: Sequence[SeenState], *covering: TrustedState | None) -> list[SeenState]:
    """States that none of these is, or lists."""
    return [state for state in states if not any(one is not None and one.covers(state.lock) for one in covering)]


def _states_of_remote(context: TrustContext, memory: Memory, trusted: TrustedState) -> Sequence[SeenState]:
    """
    What is known of the main branch if nothing was fetched of it from here, as in a fresh checkout that cannot ask its remote.

    Without a remote, the policy of the newest state that was accepted counts on every branch.
    """
    accepted = [state for state in memory.accepted if state.policy]
    # Most checkouts are at the newest state, and git need not be asked what they follow.
    if not _uncovered(memory.all_states_on_home(), trusted) or not may_have_remote(os.path.dirname(context.root), context.env):
        return accepted
    remote = _remote_of(context)
    known = memory.remotes.get(remote) if remote is not None else None
    return accepted if remote is None or known is None or known.home is None else memory.states_on_home(remote, known.home)


def _remote_of(context: TrustContext) -> str | None:
    from ..trust.followed import followed_by

    try:
        followed = followed_by(context.repository, context.folders) if context.repository and context.folders else None
    except GitError:
        return None
    return followed.remote if followed else None


def _gone_from(context: TrustContext, record: FetchRecord, home: FetchedTip, vault: str, seen: SeenState) -> VaultError:
    """The error for a vault that is not on its main branch any more, where it was."""
    if home.commit is None or context.folders is None:
        return vault_gone(record.remote, home.ref, seen)
    from ..git.repository import GitRepository
    from ..trust.moved_vault import find_moved_vault

    moved = find_moved_vault(GitRepository.locate(context.folders, context.env), home.commit, vault)
    return vault_gone(record.remote, home.ref, seen) if moved is None else vault_moved(home.ref, record.path, moved)
