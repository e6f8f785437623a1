"""Who the keys of a reader are, and whether the vault's main branch still knows them."""

from __future__ import annotations

from typing import Literal

from ..errors import error
from ..files.vault_files import VaultFiles
from ..format.layout import public_key_file
from .key_file import Keys

Principal = tuple[Literal["owner", "agent"], str]


def require_not_removed(home: VaultFiles, used: VaultFiles, keys: Keys) -> None:
    """
    Requires that a reader of a state is one on the vault's main branch too.

    One who was removed there reads no branch that has not heard of it. `home` are the files of the main branch and `used` those that are
    read, both verified. Raises `NOT_AUTHORIZED`.
    """
    principal = identify_principal(used, keys)
    if principal is None or identify_principal(home, keys) == principal:
        return
    role, name = principal
    raise error(
        "NOT_AUTHORIZED",
        f"The vault's main branch does not know {role} {name} any more, and this branch is behind it.",
        "If this is a mistake, ask an owner; otherwise nothing on this branch is for you. Merging the main branch brings the two together.",
    )


def identify_principal(files: VaultFiles, keys: Keys) -> Principal | None:
    """Who a signed state knows the keys as; `None` for nobody. An agent that was removed has no escrow any more."""
    lock = files.signed.lock if files.signed else None
    signing = keys.signing_keys(lock.vault) if lock else []
    owner = next((owner.name for owner in (lock.owners if lock else ()) if owner.key in signing), None)
    if owner is not None:
        return "owner", owner
    recipients = {identity.recipient() for identity in keys.identities if not identity.is_post_quantum}
    # Of several agents with one key it is the one whom the key file names.
    for agent in sorted(files.escrowed_agents(), key=lambda agent: agent != keys.agent):
        if (files.read(public_key_file(agent)) or b"").decode("utf-8", "replace").strip() in recipients:
            return "agent", agent
    return None
