"""What this machine remembers of a vault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ..format.layout import POLICY_FILE
from ..lock.open_lock import SignedLock
from ..lock.state_ref import StateRef


@dataclass(frozen=True)
class SeenState(StateRef):
    """A state that was verified on this machine."""

    #: Who may sign what follows.
    owners: tuple[str, ...]
    #: Whether a policy decides over uses in that state.
    policy: bool


@dataclass(frozen=True)
class FollowedRef:
    """What a branch follows: a remote in its one spelling, its ref, and the clone's own note of that."""

    remote: str
    ref: str
    tracking: str


@dataclass(frozen=True)
class MadeState(SeenState):
    """A state that was made in a clone on this machine, by the command line or the Node SDK."""

    #: The clone's git folder, absolute.
    clone: str
    #: The full name of the branch that was checked out, or `HEAD`.
    ref: str
    #: The vault's folder in the clone, absolute.
    folder: str
    #: The commit that has it.
    commit: str
    follows: FollowedRef | None
    #: Whether it was about to go to that ref; whether it got there, the clone's log of that ref tells.
    is_pushed: bool


@dataclass(frozen=True)
class RemoteMemory:
    """What one remote of a vault was seen to have."""

    #: The full name of the vault's main ref there; `None` if the remote has not said it yet.
    home: str | None = None
    #: The newest states of each ref by its full name. None of them lists another.
    refs: Mapping[str, tuple[SeenState, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Memory:
    """Whatever a repository says, nothing but a person's own word takes anything of this back."""

    #: Keys from outside the repository that vouched for this; none if the first key that was seen was trusted on first use.
    pinned: tuple[str, ...] = ()
    #: Signing keys that were seen to be removed.
    removed: tuple[str, ...] = ()
    #: The newest states that were accepted where no remote's ref says which is the newest: in a folder, or a repository without a remote.
    accepted: tuple[SeenState, ...] = ()
    #: By the one spelling of each remote's URL.
    remotes: Mapping[str, RemoteMemory] = field(default_factory=dict)
    made: tuple[MadeState, ...] = ()
    #: The digest of the file of agent-vault 0.2.0 that was taken over last.
    former: str | None = None

    def states_on(self, remote: str, ref: str) -> tuple[SeenState, ...]:
        """The states of a remote's ref."""
        known = self.remotes.get(remote)
        return known.refs.get(ref, ()) if known else ()

    def states_on_home(self, remote: str, ref: str) -> tuple[SeenState, ...]:
        """The states of a vault's main ref, whatever it was called before: a renamed one is no way back."""
        known = self.remotes.get(remote)
        former = known.home if known else None
        return unique([*self.states_on(remote, ref), *(self.states_on(remote, former) if former and former != ref else ())])

    def all_states_on_home(self) -> tuple[SeenState, ...]:
        """The states of the vault's main refs on all remotes, each once."""
        homes = [(remote, known.home) for remote, known in self.remotes.items() if known.home is not None]
        return unique([state for remote, home in homes for state in self.states_on(remote, home)])

    def with_states_on(self, remote: str, ref: str, states: Sequence[SeenState]) -> Memory:
        """The same memory with other states of a remote's ref."""
        known = self.remotes.get(remote, RemoteMemory())
        return replace(self, remotes={**self.remotes, remote: replace(known, refs={**known.refs, ref: tuple(states)})})

    def all_states(self) -> tuple[SeenState, ...]:
        """All states that are remembered, of whatever place, each once."""
        on_remotes = [state for known in self.remotes.values() for states in known.refs.values() for state in states]
        return unique([*self.accepted, *on_remotes, *self.made])


State = TypeVar("State", bound=SeenState)
IsBehind = Callable[[SeenState], bool]


def unique(states: Sequence[State]) -> tuple[State, ...]:
    """Each state once, by the digest of its lock."""
    return tuple({state.lock: state for state in states}.values())


def join_state(states: tuple[SeenState, ...], state: SeenState, is_behind: IsBehind, is_ahead: IsBehind) -> tuple[SeenState, ...]:
    """
    Adds a state to a set of newest states: those that it lists go, and it stays out if one of the set lists it.

    `is_behind` says whether the new state lists one of the set, `is_ahead` whether one of the set lists the new state.
    """
    if any(seen.lock == state.lock or is_ahead(seen) for seen in states):
        return states
    return (*(seen for seen in states if not is_behind(seen)), state)


def seen_state(signed: SignedLock) -> SeenState:
    """A state as it is remembered."""
    lock = signed.lock
    return SeenState(lock.sequence, signed.digest, tuple(owner.key for owner in lock.owners), POLICY_FILE in lock.files)
