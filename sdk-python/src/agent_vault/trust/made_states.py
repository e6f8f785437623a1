"""What was made on this machine, by the command line or the Node SDK, and has left it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ..errors import VaultError
from ..format.layout import LOCK_FILE, LOCK_SIGNATURE_FILE, STATES_FILE
from ..git.git_folders import read_text
from ..lock.ancestry import Ancestry
from ..lock.open_lock import try_open_lock
from .lineage import Lineage
from .memory import MadeState, Memory, SeenState, unique
from .place import FetchedPlace
from .trust_context import TrustContext

#: A lock, a signature and a list of states are no larger.
_MAX_TRACKED_BYTES = 32 * 1024 * 1024
#: How many of a branch's last pushes are looked at.
_MAX_LOGGED_PUSHES = 5


def states_known_on(context: TrustContext, lineage: Lineage, memory: Memory, place: FetchedPlace) -> tuple[SeenState, ...]:
    """
    The newest states that are known to have been on a vault's main ref: seen there, or made on this machine and pushed.

    What the state that is compared with them lists needs no answer.
    """

    def is_open(made: MadeState) -> bool:
        is_followed = made.follows is not None and (made.follows.remote, made.follows.ref) == (place.remote, place.ref)
        return is_followed and made.lock != lineage.signed.digest and not lineage.lists(made.lock)

    pushed = [made for made in memory.made if is_open(made) and is_pushed(made, context.env)]
    return unique([*memory.states_on_home(place.remote, place.ref), *pushed])


def is_pushed(made: MadeState, env: Mapping[str, str]) -> bool:
    """
    Whether a state that was made in a clone on this machine is known to have left it.

    A plain `git push` counts: if the tracking ref of its clone has it. So does a clone that is gone.
    """
    return not os.path.exists(made.clone) or _is_tracked(made, env) or (made.is_pushed and _was_taken(made, env))


def _was_taken(made: MadeState, env: Mapping[str, str]) -> bool:
    """
    Whether the remote took what the clone was about to push: git logs that for the tracking ref.

    What was fetched since may have moved the ref to older commits again.
    """
    from ..git.repository import GitRepository

    log = read_text(os.path.join(made.clone, "logs", made.follows.tracking)) if made.follows else None
    pushed = re.findall(r"^[0-9a-f]+ ([0-9a-f]+) [^\t]*\tupdate by push$", log or "", re.MULTILINE)
    repository = GitRepository.at(os.path.dirname(made.folder), env)
    return any(
        tip == made.commit or repository.try_run(["merge-base", "--is-ancestor", made.commit, tip]) is not None
        for tip in pushed[-_MAX_LOGGED_PUSHES:]
    )


def _is_tracked(made: MadeState, env: Mapping[str, str]) -> bool:
    """Whether the clone's own note of the remote's branch has the state, or one that lists it."""
    if made.follows is None:
        return False
    work_tree = os.path.dirname(made.folder)
    if not os.path.exists(work_tree):
        return True
    from ..git.objects import read_contents
    from ..git.repository import GitRepository

    folder = f"{made.follows.tracking}:./{os.path.basename(made.folder)}"
    try:
        repository = GitRepository.at(work_tree, env)
        names = [f"{folder}/{file}" for file in (LOCK_FILE, LOCK_SIGNATURE_FILE, STATES_FILE)]
        content, signature, states = read_contents(repository, names, _MAX_TRACKED_BYTES)
        tracked = try_open_lock(content, signature)
        return tracked is not None and (tracked.digest == made.lock or made.lock in Ancestry.parse(states))
    except VaultError:
        # git refuses, or the branch has something else.
        return False
