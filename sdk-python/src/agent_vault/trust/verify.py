"""Verifies a state of a vault, in the work tree or as it was fetched."""

from __future__ import annotations

from dataclasses import dataclass

from ..files.vault_files import VaultFiles
from ..format.layout import POLICY_FILE, STATES_FILE
from ..lock.ancestry import Ancestry
from ..lock.open_lock import SignedLock, open_lock_in
from ..lock.signed_files import SignedFiles
from ..lock.signer_locks import signer_locks
from ..lock.tree_list_cache import TreeListCache
from .errors import older_than_remembered, rollback
from .freshness import refuse_superseded, require_not_expired, require_order
from .known import known_of
from .lineage import Lineage
from .memory import SeenState
from .place import FetchedPlace, Place
from .remember import Verified, remember, remember_whole
from .signer import require_never_signed, require_trusted_signer, require_vault_of_key, require_vault_of_place
from .trust_context import TrustContext


def verify(context: TrustContext, files: VaultFiles, place: Place) -> TrustedState | None:
    """
    Verifies a state. Afterwards `files` gives out only files that the owner signed.

    Each line stops an attack by someone who can push to the repository, and nothing is read before the lines above it have passed. `None`
    for an unsigned vault, if nothing says that it should be signed. Raises `UNSIGNED`, `BAD_SIGNATURE`, `TOO_NEW`, `UNTRUSTED_SIGNER`,
    `WRONG_VAULT`, `ROLLBACK`, `FORKED`, `EXPIRED_STATE`.
    """
    # A changed lock: the signature must match its bytes, before anything in it is used.
    signed = open_lock_in(files)
    if signed is None:
        # A removed signature: a vault that was signed once, or whose owner is known, must be signed.
        require_never_signed(context, files)
        return None
    # Another vault in place of this one, with owners of its own.
    require_vault_of_key(context, signed)
    require_vault_of_place(context, signed, place)
    known = known_of(context, signed)
    # Swapped, replaced and added files: from here on every file is compared with its signed digest before it is parsed or decrypted.
    files.vouch(SignedFiles(signed.lock, files.source, lists=TreeListCache(context.home, signed.lock.vault)))
    lineage = Lineage(
        context,
        signed,
        lambda: Ancestry.parse(files.read(STATES_FILE)),
        lambda: [owner.key for change in signer_locks(files, signed.lock.vault) for owner in change.lock.owners],
    )
    # Recipient injection: anybody who can push can sign, but only a key that is known from outside the repository counts.
    require_trusted_signer(context, lineage, files, known)
    # Rollback to a state with revoked access, a forked vault, and a sequence so high that later states look old.
    newer = require_order(context, lineage, place, known)
    # Rollback on first sight: the old state was committed on top of the newer one.
    if known.memory is None:
        refuse_superseded(context, signed, place.commit if isinstance(place, FetchedPlace) else "HEAD")
    if isinstance(place, FetchedPlace) and place.is_home and place.superseded:
        raise rollback(signed, place.superseded)
    # Freeze: a host that serves the same old state forever.
    require_not_expired(context, signed)
    # Trust recorded too early: nothing is written before the caller has verified and used what it read (remember).
    return TrustedState(context, signed, lineage, Verified(lineage, files, place, known), newer)


@dataclass(frozen=True)
class TrustedState:
    """A verified state. It is remembered once all that was read of it has been found right."""

    _context: TrustContext
    signed: SignedLock
    lineage: Lineage
    _verified: Verified
    #: A newer state that was seen before in its place. Such a state is read with a warning and never remembered.
    newer: SeenState | None

    @property
    def is_under_policy(self) -> bool:
        """Whether the newest state that was seen has a policy."""
        return self.newer.policy if self.newer else POLICY_FILE in self.signed.lock.files

    @property
    def is_first(self) -> bool:
        """Whether nothing of this vault was remembered before."""
        return self._verified.known.memory is None

    def covers(self, lock: str) -> bool:
        """Whether this is a state, or lists it."""
        return self.signed.digest == lock or self.lineage.lists(lock) is True

    def require_not_older_than_remembered(self) -> None:
        """Refuses a state that is older than the newest one that was seen, whose policy decides. Raises `ROLLBACK`."""
        if self.newer:
            raise older_than_remembered(self.signed, self.newer)

    def remember(self) -> None:
        """Remembers the state as the newest one of its place, and who may sign the next."""
        if self.newer is None:
            remember(self._context, self._verified)

    def remember_whole(self) -> None:
        """As `remember`, for a state of which nothing was read: if all that judges uses of it is what was signed."""
        if self.newer is None:
            remember_whole(self._context, self._verified)
