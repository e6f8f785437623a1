"""The states behind a state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from ..lock.ancestry import Ancestry
from ..lock.open_lock import SignedLock
from .trust_context import TrustContext

#: No vault has more states: a higher sequence was set by someone with an owner's key.
_MAX_STATES = 2**32


class Lineage:
    """
    The states that a state's `vault.states` lists.

    agent-vault 0.2.0 leaves that file as it was, so if it does not list what the lock names as `previous`, the missing part is walked in
    git.
    """

    def __init__(
        self, context: TrustContext, signed: SignedLock, read: Callable[[], Ancestry], read_owners: Callable[[], Iterable[str]]
    ) -> None:
        """
        `read` gives what the state's file lists. Most states are the one that is remembered, and nobody asks.

        `read_owners` gives the keys of all owners that `signers/` names.
        """
        self.signed = signed
        self._context = context
        self._read = read
        self._read_owners = read_owners

    def lists(self, digest: str) -> bool | None:
        """Whether the state is newer than another; `None` if git's history breaks before that is known."""
        if digest == self.signed.digest:
            return False
        if digest in self._ancestry:
            return True
        found, is_whole = self._walked
        return True if digest in found else (False if is_whole else None)

    def former_owners(self) -> list[str]:
        """The keys of those who were owners in a state behind this one, and are none in it. Raises `TAMPERED`."""
        owners = {owner.key for owner in self.signed.lock.owners}
        return [key for key in self._read_owners() if key not in owners]

    @property
    def whole(self) -> Ancestry | None:
        """All states behind this one, or `None` if they are not all known."""
        found, is_whole = self._walked
        if not is_whole:
            return None
        if not found:
            return self._ancestry
        first, *more = found
        return Ancestry.following([(first, self._ancestry), *((digest, Ancestry()) for digest in more)])

    @cached_property
    def _ancestry(self) -> Ancestry:
        return self._read()

    @cached_property
    def _walked(self) -> tuple[set[str], bool]:
        """The states before this one that its file does not list, and whether those are all."""
        found, is_whole = self._walk_from([self.signed])
        if not self._has_gap(found):
            return found, is_whole
        listed = [state for state in self._context.history.states() if state.digest in self._ancestry]
        found, is_whole = self._walk_from([self.signed, *listed])
        return found, is_whole and not self._has_gap(found)

    def _has_gap(self, unlisted: set[str]) -> bool:
        """
        Whether some states behind are not known, because the sequence says that there are more.

        A state's is one more than the largest of its parents'. States of agent-vault 0.2.0 that were followed in a clone that did not have
        them all leave such a gap.
        """
        sequence = self.signed.lock.sequence
        return sequence <= _MAX_STATES and len(self._ancestry) + len(unlisted) < sequence - 1

    def _walk_from(self, states: Iterable[SignedLock]) -> tuple[set[str], bool]:
        found: set[str] = set()
        is_whole = True
        left = [digest for state in states for digest in self._unlisted(state)]
        while left:
            digest = left.pop()
            if digest in found:
                continue
            found.add(digest)
            state = self._context.history.get(digest)
            if state:
                left += self._unlisted(state)
            else:
                is_whole = False
        return found, is_whole

    def _unlisted(self, state: SignedLock) -> list[str]:
        return [digest for digest in state.lock.previous if digest not in self._ancestry]
