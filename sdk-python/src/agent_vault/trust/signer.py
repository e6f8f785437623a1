"""Whether the signer of a state can be trusted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..files.vault_files import VaultFiles
from ..format.layout import CONFIG_FILE
from ..lock.open_lock import SignedLock
from ..lock.signer_locks import signer_locks
from ..lock.ssh_signature import fingerprint
from .errors import (
    another_vault,
    another_vault_offered,
    key_of_another_vault,
    name_of_signer,
    nothing_known,
    unsigned,
    untrusted_signer,
)
from .known import Known
from .lineage import Lineage
from .memory_store import memory_file, read_memory, remembered_ancestry
from .place import FetchedPlace, Place
from .places import vault_seen_at
from .trust_context import TrustContext


def require_never_signed(context: TrustContext, files: VaultFiles) -> None:
    """Accepts an unsigned vault of agent-vault 0.1, with a warning. Raises `UNSIGNED` if the vault should be signed."""
    config = files.read(CONFIG_FILE)
    claimed = re.search(rb"^id: *[\"']?([0-9A-Za-z-]{8,64})\b", config, re.MULTILINE) if config else None
    keys = context.keys
    if (
        context.is_strict
        or (claimed and read_memory(context.home, claimed[1].decode("ascii")))
        or context.env.get("AGENT_VAULT_OWNER")
        or (keys and (keys.is_owners or keys.owners))
    ):
        raise unsigned("The state of this vault is not signed.")
    if len(context.history) > 0:
        raise unsigned("The signature of this vault's state was removed.")
    context.warn("The state of this vault is not signed, so anybody who can push can change it. Its owner signs it with agent-vault sign.")


def require_vault_of_key(context: TrustContext, signed: SignedLock) -> None:
    """Raises `WRONG_VAULT` if the available key was made for another vault."""
    keys = context.keys
    if keys and keys.vault is not None and keys.vault != signed.lock.vault:
        raise key_of_another_vault(keys.source, keys.vault, signed)


def require_vault_of_place(context: TrustContext, signed: SignedLock, place: Place) -> None:
    """Raises `WRONG_VAULT` if another vault was seen at the same place of the remote."""
    if not isinstance(place, FetchedPlace):
        return
    vault = signed.lock.vault
    if place.vault is not None and place.vault != vault:
        raise another_vault_offered(signed, place.vault)
    seen = vault_seen_at(context.home, place.remote, place.path)
    if seen is not None and seen != vault:
        raise another_vault(signed, seen)


def require_trusted_signer(context: TrustContext, lineage: Lineage, files: VaultFiles, known: Known) -> None:
    """
    Requires that the signer is an owner in every state before this one that this machine knows.

    As that state names its owners, or as the owners' changes since then do, each signed by one who was an owner by then (as TUF keeps its
    roots: specification, section 5.3). If nothing at all is known, the signer is accepted with a warning, on first use. `files` are those
    of the state, held to its lock. Raises `UNTRUSTED_SIGNER`, `WRONG_VAULT`, `TAMPERED`.
    """
    signed, memory, anchors = lineage.signed, known.memory, known.anchors
    signer, vault = signed.signer, signed.lock.vault
    states = memory.all_states() if memory else ()
    if any(_vouches(context, vault, state.lock, signed.digest) for state in states):
        return
    remembered = memory_file(context.home, vault)
    # A key that was removed signs states that look as if they were made before that.
    if memory and signer in memory.removed:
        raise untrusted_signer(signed, remembered)
    # One parent would do for a merge's place, but an owner whom the other one has removed could take that for a second parent, and stay.
    parents = [context.history.get(digest) for digest in signed.lock.previous] if len(signed.lock.previous) > 1 else []
    if any(parent is not None and not context.history.is_owner_in(parent, signer) for parent in parents):
        raise untrusted_signer(signed, remembered)
    before = [state for state in states if lineage.lists(state.lock)]
    for state in before:
        changes = [change for change in signer_locks(files, vault) if change.lock.sequence > state.sequence]
        if signer in _owners_after(state.owners, changes):
            continue
        lock = state.lock
        if not context.history.leads_back(signed, lambda previous, lock=lock: previous.digest == lock):  # type: ignore[misc]
            raise untrusted_signer(signed, remembered)
    if before:
        return
    vouching = [*anchors.keys, *(memory.pinned if memory else ())]
    roots = vouching or [owner for state in states for owner in state.owners]
    if not roots:
        _accept_on_first_use(context, signed)
    elif not (
        signer in _owners_after(roots, signer_locks(files, vault))
        or context.history.leads_back(signed, lambda state: state.signer in roots)
        # What a state of agent-vault 0.2.0 has behind it is not always known, and its signer may be an owner of a later one.
        or any(signer in state.owners and lineage.lists(state.lock) is None for state in states)
    ):
        raise untrusted_signer(signed, anchors.source if vouching and anchors.source else remembered)


def _vouches(context: TrustContext, vault: str, seen: str, digest: str) -> bool:
    """Whether a remembered state is this one, or has it behind itself."""
    if seen == digest:
        return True
    ancestry = remembered_ancestry(context.home, vault, seen)
    return ancestry is not None and digest in ancestry


def _owners_after(roots: Sequence[str], changes: Sequence[SignedLock]) -> Sequence[str]:
    """The owners after some changes of owners, in their order: each counts that was signed by one who was an owner by then."""
    owners = roots
    for change in changes:
        if change.signer in owners:
            owners = [owner.key for owner in change.lock.owners]
    return owners


def _accept_on_first_use(context: TrustContext, signed: SignedLock) -> None:
    """Accepts a vault about which nothing is known, unless it replaced states that the person's own key signed, or a known vault."""
    own = context.own_signing_keys(signed.lock.vault)
    states = context.history.states()
    if any(state.signer in own for state in states) and not context.history.leads_back(signed, lambda state: state.signer in own):
        raise untrusted_signer(signed, context.keys.source if context.keys else "")
    for state in states:
        if state.lock.vault != signed.lock.vault and read_memory(context.home, state.lock.vault):
            raise another_vault(signed, state.lock.vault)
    if context.is_strict:
        raise nothing_known(signed)
    context.warn(
        f"Nothing on this machine says who may sign this vault. The signature of {name_of_signer(signed)} ({fingerprint(signed.signer)}) "
        "is accepted without a second check (trust on first use). Compare the fingerprint with an owner, or set AGENT_VAULT_OWNER."
    )
