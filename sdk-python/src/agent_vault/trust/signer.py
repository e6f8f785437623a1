"""Whether the signer of a state can be trusted."""

from __future__ import annotations

from ..errors import VaultError, is_verification_error
from ..lock.open_lock import SignedLock
from ..lock.ssh_signature import fingerprint
from .errors import untrusted_signer, wrong_vault
from .known_vault import KnownVault, known_vault
from .trust_context import TrustContext
from .trust_store import TrustRecord, read_trust, trust_file


def require_trusted_signer(context: TrustContext, signed: SignedLock, known: KnownVault) -> None:
    """Refuses a state whose signer nobody vouches for. Raises `UNTRUSTED_SIGNER`, `WRONG_VAULT`."""
    anchors = known.anchors
    if known.record:
        _require_successor(context, signed, known.record)
    elif not anchors.keys:
        _trust_on_first_use(context, signed)
    elif signed.signer not in anchors.keys and not context.history.leads_back(signed, lambda state: state.signer in anchors.keys):
        raise untrusted_signer(signed, anchors.source)


def has_trusted_signer(context: TrustContext, signed: SignedLock) -> bool:
    """Whether a state's signer is trusted by more than first use."""
    try:
        known = known_vault(context, signed)
        if not known.record and not known.anchors.keys:
            return False
        require_trusted_signer(context, signed, known)
    except VaultError as failure:
        if is_verification_error(failure):
            return False
        raise
    return True


def _require_successor(context: TrustContext, signed: SignedLock, record: TrustRecord) -> None:
    """Accepts an owner in the newest recorded state, or a chain of signed states from there to this one, or back from there to it."""
    if record.lock == signed.digest or signed.signer in record.owners:
        return
    if context.history.leads_back(signed, lambda state: state.digest == record.lock):
        return
    newest = context.history.get(record.lock)
    if newest and context.history.leads_back(newest, lambda state: state.digest == signed.digest):
        return
    raise untrusted_signer(signed, trust_file(context.home, signed.lock.vault))


def _trust_on_first_use(context: TrustContext, signed: SignedLock) -> None:
    """Accepts a vault about which nothing is known, unless it replaced states that the person's own key signed, or a known vault."""
    own = context.own_signing_keys(signed.lock.vault)
    states = context.history.states()
    if any(state.signer in own for state in states) and not context.history.leads_back(signed, lambda state: state.signer in own):
        raise untrusted_signer(signed, context.keys.source if context.keys else "")
    for state in states:
        if state.lock.vault != signed.lock.vault and read_trust(context.home, state.lock.vault):
            raise wrong_vault(f"This is the vault {signed.lock.vault}, and the vault {state.lock.vault} was here before.")
    names = [owner.name for owner in signed.lock.owners if owner.key == signed.signer]
    context.warn(
        f"Nothing is known yet about who can sign this vault. The signature by {names[0] if names else 'an unnamed key'} "
        f"({fingerprint(signed.signer)}) was accepted without a second check (trust on first use). "
        "Compare the fingerprint with an owner, or set AGENT_VAULT_OWNER."
    )
