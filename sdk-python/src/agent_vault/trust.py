"""
The order in which a vault is trusted: the signature, by a key that something outside the repository vouches for; the vault's id; the
sequence, against what this machine has seen; how long the state is valid; and from then on the digest of each file, before it is parsed
or decrypted. What was learnt is written down last.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from .context import home_folder, is_strict
from .errors import VaultError, error, is_verification_error, warn
from .keys import Keys, SeenState
from .layout import CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE, POLICY_FILE
from .lock import SignedLock, is_owner, open_lock
from .signed_files import SignedFiles, TreeLists
from .ssh_signature import bad_signature, fingerprint, parse_ssh_public_key
from .trust_memory import TrustMemory, read_trust, trust_file, write_trust
from .vault_files import VaultFiles

if TYPE_CHECKING:
    from .git import GitRepository
    from .lock_history import LockHistory

#: A higher leap than this is no count of changes: somebody wants later states to look old.
_MAX_JUMP = 2**32


@dataclass(frozen=True)
class Anchors:
    """What is known of a vault's owner from outside its repository."""

    keys: tuple[str, ...]
    #: Where they come from, in words for a message.
    source: str
    #: A state that was current when the anchor was written.
    seen: SeenState | None


@dataclass(frozen=True)
class _Known:
    anchors: Anchors
    memory: TrustMemory | None
    is_first: bool


class TrustedState:
    """A state that was verified, and is remembered once all that was read of it has been found right."""

    def __init__(self, trust: VaultTrust, signed: SignedLock, known: _Known, is_older: bool) -> None:
        self.signed = signed
        self._trust = trust
        self._known = known
        self._is_older = is_older

    @property
    def is_under_policy(self) -> bool:
        """Whether the newest state that was seen has a policy."""
        if self._is_older and self._known.memory:
            return self._known.memory.policy is True
        return POLICY_FILE in self.signed.lock.files

    def require_latest(self) -> None:
        """Refuses a state before the newest, where what was decided since must hold. Raises `ROLLBACK`."""
        if self._is_older and self._known.memory:
            raise error(
                "ROLLBACK",
                f"This is state {self.signed.lock.sequence} of the vault, and state {self._known.memory.sequence} was seen before, "
                "whose policy decides.",
                "Use the newest one.",
            )

    def remember(self) -> None:
        if not self._is_older:
            self._trust.remember(self.signed, self._known)


class VaultTrust:
    def __init__(self, root: str, keys: Keys | None, env: Mapping[str, str], *, quiet: bool = False) -> None:
        """`keys` are the identities at hand: an owner's vouches for itself, an agent's file names its owner."""
        self._root = root
        self._keys = keys
        self._env = env
        self._home = home_folder(env)
        self._quiet = quiet

    def verify(self, files: VaultFiles) -> TrustedState | None:
        """
        Verifies the state that is in the work tree. From here on `files` gives out nothing that is not under the signature.

        `None` for a vault that nobody has signed, where nothing says that it should be. Raises `UNSIGNED`, `BAD_SIGNATURE`,
        `UNTRUSTED_SIGNER`, `WRONG_VAULT`, `ROLLBACK`, `FORKED`, `EXPIRED_STATE`.
        """
        signed = _open(files)
        if signed is None:
            self._require_never_signed(files)
            return None
        known = self._known(signed)
        self._require_trusted_signer(signed, known)
        is_older = known.memory is not None and self._is_older(signed, known.memory)
        self._require_valid(signed)
        files.vouch(SignedFiles(signed.lock, files.source, lists=TreeLists(self._home, signed.lock.vault)))
        if known.is_first:
            self._require_last(signed)
        return TrustedState(self, signed, known, is_older)

    def verify_remote(
        self, files: VaultFiles, remote: str, present: SignedLock | None, *, in_full: bool, successor: SignedLock | None
    ) -> None:
        """
        Verifies a state that a remote offers, with all its files where it is to come into the work tree (`in_full`).

        `present` is the state in the work tree, which counts where its signer is trusted; `successor` one that an owner has made of the
        offered one, and that the same remote holds behind it. Raises as `verify`, and `TAMPERED`.
        """
        signed = _open(files)
        local = present if present and self._is_trusted(present) else None
        if signed is None:
            if local:
                raise _unsigned("The remote offers a state of this vault that nobody has signed.")
            self._require_never_signed(files)
            return
        if local and signed.lock.vault != local.lock.vault:
            raise error(
                "WRONG_VAULT",
                f"The remote offers the vault {signed.lock.vault}, and this is the vault {local.lock.vault}.",
                "Nothing was pulled. Find out who put another vault in its place.",
            )
        known = self._known(signed)
        self._require_trusted_signer(signed, known)
        memory = known.memory
        if memory:
            if remote in memory.remotes:
                self._require_no_older(signed, memory.remotes[remote], memory.owners)
            # A fast-forward leads from the present state to a later one.
            if in_full and local and local.digest == memory.lock:
                self._require_no_older(signed, memory.seen, memory.owners)
        if successor:
            raise _rollback(signed, SeenState(successor.lock.sequence, successor.digest))
        self._require_valid(signed)
        if in_full:
            SignedFiles(signed.lock, files.source, offered=True).require_all()
        self._remember_remote(signed, known, remote)

    def remember(self, signed: SignedLock, known: _Known) -> None:
        memory = known.memory
        if memory and memory.lock == signed.digest and set(known.anchors.keys) <= set(memory.pinned):
            return
        write_trust(self._home, signed.lock.vault, _learnt(signed, known))

    @cached_property
    def _repository(self) -> GitRepository | None:
        # What runs git is loaded where it is needed: most reads end without.
        from .git import GitRepository

        return GitRepository.find(os.path.dirname(self._root), self._env)

    @cached_property
    def _history(self) -> LockHistory:
        """Read where it turns out to be needed, which is seldom."""
        from .lock_history import LockHistory

        return LockHistory(self._root, self._repository)

    def _known(self, signed: SignedLock) -> _Known:
        """What this machine knows of the vault. What was first seen on its word alone counts for nothing beside a real anchor."""
        anchors = self._anchors(signed)
        memory = read_trust(self._home, signed.lock.vault)

        def vouches(keys: tuple[str, ...]) -> bool:
            return any(key in keys for key in anchors.keys)

        if memory and (not anchors.keys or vouches(memory.pinned) or (memory.pinned and vouches(memory.owners))):
            return _Known(anchors, memory, is_first=False)
        seen = anchors.seen
        begun = TrustMemory((), anchors.keys, None, seen.sequence, seen.lock, {}) if seen else None
        return _Known(anchors, begun, is_first=True)

    def _anchors(self, signed: SignedLock) -> Anchors:
        """
        Where trust starts, in this order: `AGENT_VAULT_OWNER`, what is derived from an owner's own key, the `# owner:` lines of an
        agent's key file. Raises `WRONG_VAULT` where the key file belongs to another vault, `INVALID_KEY`.
        """
        keys, lock = self._keys, signed.lock
        if keys and keys.vault is not None and keys.vault != lock.vault:
            raise error(
                "WRONG_VAULT",
                f"The key in {keys.source} belongs to the vault {keys.vault}, and this is the vault {lock.vault}.",
                "Use the key that was made for this vault; if it should be the same vault, somebody has put another one in its place.",
            )
        seen = keys.state if keys else None
        variable = self._env.get("AGENT_VAULT_OWNER")
        if variable:
            return Anchors(_parse_keys(variable), "AGENT_VAULT_OWNER", seen)
        if not keys:
            return Anchors((), "", seen)
        if keys.owners:
            return Anchors(keys.owners, keys.source, seen)
        derived = keys.signing_keys(lock.vault)
        listed = [key for key in derived if is_owner(key, signed)]
        return Anchors(tuple(listed or (derived if keys.is_owners else [])), keys.source, seen)

    def _is_trusted(self, signed: SignedLock) -> bool:
        try:
            known = self._known(signed)
            if not known.memory and not known.anchors.keys:
                return False
            self._require_trusted_signer(signed, known)
        except VaultError as failure:
            if is_verification_error(failure):
                return False
            raise
        return True

    def _require_trusted_signer(self, signed: SignedLock, known: _Known) -> None:
        anchors, memory = known.anchors, known.memory
        if memory:
            self._require_following(signed, memory)
        elif not anchors.keys:
            self._require_nothing_known(signed)
            names = [owner.name for owner in signed.lock.owners if owner.key == signed.signer]
            self._warn(
                f"Nothing is known yet of who may sign this vault; {names[0] if names else 'somebody'} ({fingerprint(signed.signer)}) did, "
                "and is taken at their word. Compare that with an owner, or set AGENT_VAULT_OWNER."
            )
        elif signed.signer not in anchors.keys and not self._history.leads_back(signed, lambda state: state.signer in anchors.keys):
            raise _untrusted_signer(signed, anchors.source)

    def _require_following(self, signed: SignedLock, memory: TrustMemory) -> None:
        """A signer whom the newest state that was seen names; or a chain of states that leads to it or away from it."""
        if memory.lock == signed.digest or signed.signer in memory.owners:
            return
        if self._history.leads_back(signed, lambda state: state.digest == memory.lock):
            return
        remembered = self._history.get(memory.lock)
        if remembered and self._history.leads_back(remembered, lambda state: state.digest == signed.digest):
            return
        raise _untrusted_signer(signed, trust_file(self._home, signed.lock.vault))

    def _require_nothing_known(self, signed: SignedLock) -> None:
        """What is taken on its word must not come in the place of a vault that is known, nor of states that the key at hand has signed."""
        own = self._keys.signing_keys(signed.lock.vault) if self._keys else []
        states = self._history.states()
        if any(state.signer in own for state in states) and not self._history.leads_back(signed, lambda state: state.signer in own):
            raise _untrusted_signer(signed, self._keys.source if self._keys else "")
        for state in states:
            if state.lock.vault != signed.lock.vault and read_trust(self._home, state.lock.vault):
                raise error(
                    "WRONG_VAULT",
                    f"This is the vault {signed.lock.vault}, and the vault {state.lock.vault} was here before.",
                    "Do not use it. Find out who put another vault in its place.",
                )

    def _is_older(self, signed: SignedLock, memory: TrustMemory) -> bool:
        """Whether the work tree holds a state before the newest one that was seen, because the person wants to see it."""
        order = self._compare(signed, memory.seen, memory.owners)
        if order in ("same", "newer"):
            return False
        if order == "jump":
            raise _jumped(signed, memory.seen)
        if order == "fork":
            if not self._keys or signed.signer not in self._keys.signing_keys(signed.lock.vault):
                raise _forked(signed)
            self._warn(
                f"Another clone of yours has made another state {signed.lock.sequence} of this vault. Bring them together before you push."
            )
            return False
        history = self._history
        was_rolled_back = memory.lock in history.behind_head and history.at_head == signed.digest
        if is_strict(self._env) or was_rolled_back:
            raise _rollback(signed, memory.seen)
        self._warn(
            f"This is state {signed.lock.sequence} of the vault, and state {memory.sequence} was seen before: what was revoked or replaced "
            "since is undone here. Go back to the newest one when you are done here."
        )
        return True

    def _require_no_older(self, signed: SignedLock, seen: SeenState, owners: tuple[str, ...]) -> None:
        order = self._compare(signed, seen, owners)
        if order == "older":
            raise _rollback(signed, seen)
        if order == "fork":
            raise _forked(signed)
        if order == "jump":
            raise _jumped(signed, seen)

    def _compare(self, signed: SignedLock, seen: SeenState, owners: tuple[str, ...]) -> Literal["same", "newer", "older", "fork", "jump"]:
        """`owners` may sign what follows the newest state that was seen."""
        if signed.digest == seen.lock:
            return "same"
        step = signed.lock.sequence - seen.sequence
        if step > _MAX_JUMP:
            return "jump"
        if step > 0 and signed.signer in owners:
            return "newer"
        # A count starts anew where a signing key was replaced, and then the states themselves say which came first.
        if self._history.leads_back(signed, lambda state: state.digest == seen.lock):
            return "newer"
        return "fork" if step == 0 else "older"

    def _require_last(self, signed: SignedLock) -> None:
        """Refuses a state on which the commit that is checked out has a later one behind it."""
        from .lock_history import find_successor

        successor = self._repository and find_successor(self._repository, self._root, "HEAD", signed)
        if successor:
            raise _rollback(signed, SeenState(successor.lock.sequence, successor.digest))

    def _require_valid(self, signed: SignedLock) -> None:
        until = signed.lock.valid_until
        if not until or until > datetime.now(timezone.utc):
            return
        failure = error(
            "EXPIRED_STATE",
            f"The state of this vault was valid until {until:%Y-%m-%dT%H:%M}Z.",
            "Somebody may be holding newer ones back. Pull; an owner signs it anew with agent-vault sign --renew.",
        )
        if is_strict(self._env):
            raise failure
        self._warn(str(failure))

    def _require_never_signed(self, files: VaultFiles) -> None:
        """A vault of agent-vault 0.1 has no signature. One that had, or whose owner is known, must have one."""
        config = files.read(CONFIG_FILE)
        claimed = re.search(rb"^id: *[\"']?([0-9A-Za-z-]{8,64})\b", config, re.MULTILINE) if config else None
        keys = self._keys
        if (
            (claimed and read_trust(self._home, claimed[1].decode("ascii")))
            or self._env.get("AGENT_VAULT_OWNER")
            or (keys and (keys.is_owners or keys.owners))
        ):
            raise _unsigned("Nobody has signed the state of this vault.")
        if len(self._history) > 0:
            raise _unsigned("The signature of this vault's state was taken away.")
        self._warn(
            "Nobody has signed the state of this vault, so whoever can push can change it. Its owner signs it with agent-vault sign."
        )

    def _remember_remote(self, signed: SignedLock, known: _Known, remote: str) -> None:
        """What was seen on a remote is remembered for that remote; the newest state of all is the one that was read from the work tree."""
        state = SeenState(signed.lock.sequence, signed.digest)
        memory = known.memory
        if memory and memory.remotes.get(remote) == state:
            return
        learnt = replace(memory, pinned=_pinned(known)) if memory else _learnt(signed, known)
        write_trust(self._home, signed.lock.vault, replace(learnt, remotes={**learnt.remotes, remote: state}))

    def _warn(self, message: str) -> None:
        if not self._quiet:
            warn(message)


def _open(files: VaultFiles) -> SignedLock | None:
    content, signature = files.read(LOCK_FILE), files.read(LOCK_SIGNATURE_FILE)
    if content is None:
        return None
    if signature is None:
        raise bad_signature("vault.lock.sig is missing")
    return open_lock(content, signature)


def _learnt(signed: SignedLock, known: _Known) -> TrustMemory:
    return TrustMemory(
        pinned=_pinned(known),
        owners=tuple(owner.key for owner in signed.lock.owners),
        policy=POLICY_FILE in signed.lock.files,
        sequence=signed.lock.sequence,
        lock=signed.digest,
        remotes=known.memory.remotes if known.memory else {},
    )


def _pinned(known: _Known) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(known.memory.pinned if known.memory else ()), *known.anchors.keys]))


def _parse_keys(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in re.split(r"[,\n]", text)]
    keys = [parse_ssh_public_key(part) for part in parts if part]
    if None in keys:
        raise error(
            "INVALID_KEY",
            "AGENT_VAULT_OWNER holds something that is no owner's signing key.",
            "It holds ssh-ed25519 AAAA..., as agent-vault list-owners prints it, or several with commas between them.",
        )
    return tuple(key for key in keys if key is not None)


def _unsigned(message: str) -> VaultError:
    return error(
        "UNSIGNED",
        message,
        "Do not use it before its owner has looked at it; an owner sees with agent-vault sign what would be vouched for.",
    )


def _untrusted_signer(signed: SignedLock, source: str) -> VaultError:
    return error(
        "UNTRUSTED_SIGNER",
        f"The state of this vault was signed by {fingerprint(signed.signer)}, for whom nothing in {source} vouches.",
        "Do not use it. If an owner's key was replaced, fetch the whole history (git fetch --unshallow), "
        "or have an owner confirm the new key.",
    )


def _rollback(signed: SignedLock, seen: SeenState) -> VaultError:
    return error(
        "ROLLBACK",
        f"This is state {signed.lock.sequence} of the vault, and state {seen.sequence} was there before it.",
        "Somebody has brought an old state back, with whatever was revoked since. Nothing was taken over; ask an owner.",
    )


def _forked(signed: SignedLock) -> VaultError:
    return error(
        "FORKED",
        f"There are two states {signed.lock.sequence} of this vault, and this is not the one that was seen before.",
        "Nothing was taken over. Ask an owner which is right.",
    )


def _jumped(signed: SignedLock, seen: SeenState) -> VaultError:
    return error(
        "FORKED",
        f"State {signed.lock.sequence} does not follow state {seen.sequence}: no vault changes that often.",
        "Nothing was taken over. Somebody with an owner's key wants later states to look old; "
        "an owner should run agent-vault rotate-owner.",
    )
