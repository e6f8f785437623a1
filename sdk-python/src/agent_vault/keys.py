"""The identities to read with, and what their file says of itself."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .context import NO_HOME, home_folder, resolve_path
from .errors import VaultError, error
from .identity import Identity
from .ssh_signature import parse_ssh_public_key


@dataclass(frozen=True)
class SeenState:
    """A state of a vault, by the lock that says what it is."""

    sequence: int
    lock: str


@dataclass(frozen=True)
class KeyChoice:
    """Which key a program chose, before the usual places are looked at."""

    text: str | None = field(default=None, repr=False)
    file: str | None = None


@dataclass(frozen=True)
class Keys:
    """Identities and where they came from, in words for a message; and what the comments of their file say."""

    identities: tuple[Identity, ...]
    source: str
    #: Whether it lay where an owner's own key lies, or says that it is one.
    is_owners: bool
    vault: str | None
    owners: tuple[str, ...]
    state: SeenState | None

    def signing_keys(self, vault: str) -> list[str]:
        """The keys with which these would sign the states of a vault; each is an owner's only where a lock names it."""
        return [identity.signing_key(vault) for identity in self.identities]


def load_keys(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> Keys:
    """
    The chosen key, `AGENT_VAULT_KEY` (a path or the key itself), the vault's own owner's key, `owner.key`.

    Raises `NO_KEY`, `INVALID_KEY`, `PASSPHRASE_REQUIRED`.
    """
    content, source, is_owners = _find(choice, env, vault_id)
    if _is_passphrase_encrypted(content):
        raise error(
            "PASSPHRASE_REQUIRED",
            f"{source} is protected by a passphrase, and nobody can be asked for it here.",
            "Give a key without a passphrase.",
        )
    return _read(content, source, is_owners)


def keys_at_hand(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> Keys | None:
    """The keys at hand for what needs none: they may say whose signature to trust."""
    try:
        return load_keys(choice, env, vault_id)
    except VaultError as failure:
        if failure.code in ("NO_KEY", "INVALID_KEY", "PASSPHRASE_REQUIRED"):
            return None
        raise


def _find(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> tuple[bytes, str, bool]:
    if choice.text is not None:
        return choice.text.encode("utf-8", "surrogatepass"), "the given key", False
    if choice.file is not None:
        return _read_file(choice.file, env)
    variable = env.get("AGENT_VAULT_KEY")
    if variable and _is_key_text(variable):
        return variable.encode("utf-8", "surrogateescape"), "AGENT_VAULT_KEY", False
    if variable:
        return _read_file(variable, env, named_by="AGENT_VAULT_KEY")
    home = home_folder(env)
    own = vault_id() if os.path.isdir(os.path.join(home, "owners")) else None
    candidates = [*([os.path.join(home, "owners", f"{own}.key")] if own else []), os.path.join(home, "owner.key")]
    for file in candidates:
        if os.path.exists(file):
            return _read_file(file, env)
    raise error(
        "NO_KEY",
        "There is no key to read the vault with.",
        "Give one with key_path or AGENT_VAULT_KEY, or set AGENT_VAULT_HOME to the folder of your keys; you have no home folder."
        if home.startswith(NO_HOME)
        else f"Give one with key_path or AGENT_VAULT_KEY; an owner's key lies in {candidates[-1]}.",
    )


def _read_file(path: str, env: Mapping[str, str], named_by: str | None = None) -> tuple[bytes, str, bool]:
    if _is_key_text(path.upper()):
        raise error(
            "INVALID_KEY",
            "A key was given where the path of its file belongs.",
            "Give the key itself as key_str, or put it into a file of mode 0600.",
        )
    file = resolve_path(path, env)
    home = os.path.abspath(home_folder(env))
    is_owners = file == os.path.join(home, "owner.key") or os.path.dirname(file) == os.path.join(home, "owners")
    try:
        with open(file, "rb") as opened:
            return opened.read(), f"the file that {named_by} names" if named_by else file, is_owners
    except (OSError, ValueError) as failure:
        why = "does not exist" if isinstance(failure, (FileNotFoundError, NotADirectoryError)) else "could not be read"
        # What stands in the variable may be a mistyped key, so it is not repeated.
        if named_by:
            remedy = f"Set {named_by} to a path or to a key (AGE-SECRET-KEY-1...)."
            raise error("NO_KEY", f"The file that {named_by} names {why}.", remedy) from None
        raise error("NO_KEY", f"The key file {file} {why}.", "Check the path and its permissions.") from failure


def _read(content: bytes, source: str, is_owners: bool) -> Keys:
    """Reads an age identity file: lines of identities and comments."""
    lines = [line.strip() for line in content.decode("utf-8", "replace").split("\n")]
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise error(
            "INVALID_KEY",
            f"{source} holds no key.",
            "A key file holds a line AGE-SECRET-KEY-1...; generate one with age-keygen or agent-vault init.",
        )
    try:
        identities = tuple(Identity(line) for line in found)
    except VaultError:
        raise error(
            "INVALID_KEY",
            f"{source} is not an age key file.",
            "It should hold a line AGE-SECRET-KEY-1...; check that it is the right file and whole.",
        ) from None

    def values(name: str) -> list[str]:
        return [line[len(name) + 4 :] for line in lines if line.startswith(f"# {name}: ")]

    state = re.fullmatch(r"([0-9]{1,15}) (sha256:[0-9a-f]{64})", next(iter(values("state")), ""))
    return Keys(
        identities=identities,
        source=source,
        is_owners=is_owners or values("role")[:1] == ["owner"],
        vault=next(iter(values("vault")), None),
        owners=tuple(key for text in values("owner") if (key := parse_ssh_public_key(text)) is not None),
        state=SeenState(int(state[1]), state[2]) if state else None,
    )


def _is_passphrase_encrypted(content: bytes) -> bool:
    start = content[:1024]
    if start.lstrip().startswith(b"-----BEGIN AGE ENCRYPTED FILE-----"):
        try:
            start = base64.b64decode(b"".join(start.lstrip().split(b"\n")[1:2]))
        except binascii.Error:
            return False
    return start.startswith(b"age-encryption.org/v1\n-> scrypt ")


def _is_key_text(text: str) -> bool:
    return "AGE-SECRET-KEY-" in text or "-----BEGIN AGE ENCRYPTED FILE-----" in text
