"""The error for the clone of a URL that has no vault any more."""

from __future__ import annotations

from ..errors import VaultError, error
from ..git.repository import GitRepository
from ..sync.fetch_record import FetchRecord
from ..trust.errors import branch_name, vault_gone, vault_moved
from ..trust.memory_store import read_memory
from ..trust.moved_vault import find_moved_vault
from ..trust.trust_context import TrustContext


def gone_from_clone(context: TrustContext, record: FetchRecord) -> VaultError:
    """The error for a ref that is gone, or has no vault any more."""
    tip, vault = record.upstream or record.home, record.vault
    if tip and tip.commit is not None and vault is not None and context.folders is not None:
        moved = find_moved_vault(GitRepository.locate(context.folders, context.env), tip.commit, vault)
        if moved is not None:
            return vault_moved(tip.ref, record.path, moved, is_url=True)
    memory = None if vault is None or record.upstream else read_memory(context.home, vault)
    seen = memory.states_on_home(record.remote, record.home.ref) if memory and record.home else ()
    if seen and record.home:
        return vault_gone(record.remote, record.home.ref, seen[0])
    where = f" on {branch_name(tip.ref)}" if tip else ""
    message = f"The repository has no vault{where} any more."
    return error("VAULT_NOT_FOUND", message, "Follow another branch, URL#BRANCH; if the vault was moved, ask its owner where it is.")
