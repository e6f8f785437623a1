"""The one way to open a vault."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import VaultError
from ..files.vault_files import VaultFiles
from ..format.layout import POLICY_FILE
from ..keys.key_file import Keys
from ..trust.trust_context import TrustContext
from .choose_state import choose_instead, choose_state
from .open_fetched import ChosenState
from .read_consistently import may_be_incomplete, read_consistently


def open_vault(
    root: str, keys: Keys | None, env: Mapping[str, str], *, load: Callable[[VaultFiles], object] | None = None, local_only: bool = False
) -> ChosenState:
    """
    Opens the vault at `root` and verifies its state; waits if another process is halfway through a write.

    `load` reads the files that are needed, so that all are of one state; reading them again gives the same bytes. `keys` say whose
    signature to trust. `local_only` reads the work tree's files also if a newer state was fetched.

    Raises as `verify`, and what `load` raises.
    """
    context = TrustContext(root, keys, env)

    looks = 0

    def attempt() -> ChosenState:
        nonlocal looks
        looks += 1
        is_second_look = looks > 1
        chosen = choose_state(context, local_only=local_only, is_second_look=is_second_look)
        try:
            if load:
                load(chosen.files)
        except VaultError as failure:
            if not is_second_look or not may_be_incomplete(failure):
                raise
            chosen = choose_instead(context, chosen, failure, local_only=local_only)
            if load:
                load(chosen.files)
        return chosen

    return read_consistently(root, env, attempt)


def is_under_policy(chosen: ChosenState) -> bool:
    """Whether a policy decides over a use: the one of the state that is used, or of the newest that is known."""
    return (
        (chosen.trusted is not None and chosen.trusted.is_under_policy)
        or (chosen.missing is not None and chosen.missing.policy)
        or any(judging.read(POLICY_FILE) is not None for judging in (chosen.files, *chosen.homes))
    )
