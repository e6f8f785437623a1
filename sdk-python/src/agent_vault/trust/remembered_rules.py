"""What this machine has kept of the states of a vault's main branch."""

from __future__ import annotations

from ..files.vault_files import VaultFiles
from .memory_store import drop_rules, kept_rules
from .rules_file import config_in_rules, parse_rules
from .trust_context import TrustContext


def remembered_rules(context: TrustContext, vault: str, lock: str) -> VaultFiles | None:
    """
    What judges uses of a state that was seen on the main branch, for a checkout that does not have it. It is verified as it is read.

    `lock` is the digest of the state's lock, from the memory. `None` if it was not kept, or is not what was kept.
    """
    content = kept_rules(context.home, vault, lock)
    files = None if content is None else parse_rules(content, vault, lock, context.root)
    if content is not None and files is None:
        drop_rules(context.home, vault, lock)
    return files


def remembered_config(home: str, vault: str, lock: str) -> bytes | None:
    """The `config.yaml` of such a state, verified; `None` if it was not kept."""
    content = kept_rules(home, vault, lock)
    return None if content is None else config_in_rules(content, vault, lock)
