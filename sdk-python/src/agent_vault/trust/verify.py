"""Verifies the state of a vault that is in the work tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from ..context import is_strict
from ..files.vault_files import VaultFiles
from ..format.layout import CONFIG_FILE, POLICY_FILE
from ..lock.open_lock import SignedLock, open_lock_in
from ..lock.signed_files import SignedFiles
from ..lock.tree_list_cache import TreeListCache
from .errors import expired, forked, inflated_sequence, outdated, rollback, unsigned
from .known_vault import KnownVault, known_vault, record_accepted
from .signer import require_trusted_signer
from .state_order import compare_states, refuse_superseded
from .trust_context import TrustContext
from .trust_store import TrustRecord, read_trust


def verify(context: TrustContext, files: VaultFiles) -> TrustedState | None:
    """
    Verifies the state in the work tree. Afterwards `files` gives out only files that the owner signed.

    `None` for an unsigned vault, if nothing says that it should be signed. Raises `UNSIGNED`, `BAD_SIGNATURE`, `UNTRUSTED_SIGNER`,
    `WRONG_VAULT`, `ROLLBACK`, `FORKED`, `EXPIRED_STATE`.
    """
    # A changed lock: the signature must match its bytes, before anything in it is used.
    signed = open_lock_in(files)
    if signed is None:
        # A removed signature: a vault that was signed once, or whose owner is known, must be signed.
        require_never_signed(context, files)
        return None
    # Another vault in place of this one: the key file, the trust record and the lock must name the same vault.
    known = known_vault(context, signed)
    # Recipient injection: anybody who can push can sign, but only a key that is known from outside the repository counts.
    require_trusted_signer(context, signed, known)
    # Rollback to a state with revoked access, a forked vault, and a sequence so high that later states look old.
    is_older = known.record is not None and _is_older_than_remembered(context, signed, known.record)
    # Freeze: a host that serves the same old state forever.
    require_not_expired(context, signed)
    # Swapped, replaced and added files: from here on every file is compared with its signed digest before it is parsed or decrypted.
    files.vouch(SignedFiles(signed.lock, files.source, lists=TreeListCache(context.home, signed.lock.vault)))
    # Rollback on a machine that has recorded nothing: the history of the checked-out commit must not have a newer state.
    if known.is_first_use:
        refuse_superseded(context, signed)
    # Trust recorded too early: nothing is written before the caller has verified and used what it read (record_accepted).
    return TrustedState(context, signed, known, is_older)


@dataclass(frozen=True)
class TrustedState:
    """A verified state."""

    _context: TrustContext
    signed: SignedLock
    _known: KnownVault
    #: Whether a newer state was seen before. Such a state is read with a warning and is not recorded.
    is_older: bool

    @property
    def is_under_policy(self) -> bool:
        """Whether the newest state that was seen has a policy."""
        if self.is_older and self._known.record:
            return self._known.record.policy is True
        return POLICY_FILE in self.signed.lock.files

    def require_not_older_than_remembered(self) -> None:
        """Refuses a state that is older than the newest one that was seen, whose policy decides. Raises `ROLLBACK`."""
        if self.is_older and self._known.record:
            raise outdated(self.signed, self._known.record.newest)

    def record_accepted(self) -> None:
        """Records the state. Call this when everything that was read from it was verified."""
        if not self.is_older:
            record_accepted(self._context, self.signed, self._known)


def require_never_signed(context: TrustContext, files: VaultFiles) -> None:
    """Accepts an unsigned vault of agent-vault 0.1, with a warning. Raises `UNSIGNED` if the vault should be signed."""
    config = files.read(CONFIG_FILE)
    claimed = re.search(rb"^id: *[\"']?([0-9A-Za-z-]{8,64})\b", config, re.MULTILINE) if config else None
    keys = context.keys
    if (
        (claimed and read_trust(context.home, claimed[1].decode("ascii")))
        or context.env.get("AGENT_VAULT_OWNER")
        or (keys and (keys.is_owners or keys.owners))
    ):
        raise unsigned("The state of this vault is not signed.")
    if len(context.history) > 0:
        raise unsigned("The signature of this vault's state was removed.")
    context.warn("The state of this vault is not signed, so anybody who can push can change it. Its owner signs it with agent-vault sign.")


def require_not_expired(context: TrustContext, signed: SignedLock) -> None:
    """Warns of a state that is no longer valid, and refuses it in strict mode. Raises `EXPIRED_STATE`."""
    until = signed.lock.valid_until
    if not until or until > datetime.now(timezone.utc):
        return
    failure = expired(until)
    if is_strict(context.env):
        raise failure
    context.warn(str(failure))


def _is_older_than_remembered(context: TrustContext, signed: SignedLock, record: TrustRecord) -> bool:
    """
    Whether the work tree has an older state than was seen before, because the person checked it out.

    Refuses it in strict mode, and if a commit on top of the newer state brought it back. Raises `ROLLBACK`, `FORKED`.
    """
    order = compare_states(context, signed, record.newest, record.owners)
    if order in ("same", "newer"):
        return False
    if order == "inflated":
        raise inflated_sequence(signed, record.newest)
    if order == "fork":
        if signed.signer not in context.own_signing_keys(signed.lock.vault):
            raise forked(signed)
        context.warn(f"Another clone of yours made a different state {signed.lock.sequence} of this vault. Merge them before you push.")
        return False
    was_rolled_back = record.lock in context.history.behind_head and context.history.at_head == signed.digest
    if is_strict(context.env) or was_rolled_back:
        raise rollback(signed, record.newest)
    context.warn(
        f"This is state {signed.lock.sequence} of the vault, but state {record.sequence} was seen before. "
        "What was revoked or replaced since is undone here. Go back to the newest state when you are done."
    )
    return True
