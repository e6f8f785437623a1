"""Finds the key to read with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..context import NO_HOME, home_folder, resolve_path
from ..errors import VaultError, error
from ..text.credentials import holds_key
from .key_file import Keys, is_key_text, parse_key_file


@dataclass(frozen=True)
class KeyChoice:
    """The key that a program chose: its text, or the absolute path of its file. With neither the usual places are searched."""

    text: str | None = field(default=None, repr=False)
    file: str | None = None


@dataclass(frozen=True)
class _Source:
    content: bytes = field(repr=False)
    name: str
    is_owners: bool


def load_keys(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> Keys:
    """
    The first of: the chosen key, `AGENT_VAULT_KEY` (a path or the key itself), the owner's key of this vault, `owner.key`.

    `vault_id` gives the vault's id, and is called only if keys are kept by vault. Raises `NO_KEY`, `INVALID_KEY`, `PASSPHRASE_REQUIRED`.
    """
    source = _find_source(choice, env, vault_id)
    return parse_key_file(source.content, source.name, is_owners=source.is_owners)


def find_keys(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> Keys | None:
    """As `load_keys`, or `None` without a usable key. For what needs no key, but trusts the owner whom a key names."""
    try:
        return load_keys(choice, env, vault_id)
    except VaultError as failure:
        if failure.code in ("NO_KEY", "INVALID_KEY", "PASSPHRASE_REQUIRED"):
            return None
        raise


def _find_source(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> _Source:
    if choice.text is not None:
        return _Source(choice.text.encode("utf-8", "surrogatepass"), "the given key", is_owners=False)
    if choice.file is not None:
        return _read_file(choice.file, env)
    variable = env.get("AGENT_VAULT_KEY")
    if variable and is_key_text(variable):
        return _Source(variable.encode("utf-8", "surrogateescape"), "AGENT_VAULT_KEY", is_owners=False)
    if variable:
        return _read_file(variable, env, variable="AGENT_VAULT_KEY")
    home = home_folder(env)
    vault = vault_id() if os.path.isdir(os.path.join(home, "owners")) else None
    candidates = [*([os.path.join(home, "owners", f"{vault}.key")] if vault else []), os.path.join(home, "owner.key")]
    for file in candidates:
        if os.path.exists(file):
            return _read_file(file, env)
    raise error(
        "NO_KEY",
        "There is no key to read the vault with.",
        "Give one with key_path or AGENT_VAULT_KEY, or set AGENT_VAULT_HOME to the folder of your keys. You have no home folder."
        if home.startswith(NO_HOME)
        else f"Give one with key_path or AGENT_VAULT_KEY. An owner's key is in {candidates[-1]}.",
    )


def _read_file(path: str, env: Mapping[str, str], variable: str | None = None) -> _Source:
    """`variable` is the environment variable that names the file. Its content may be a mistyped key, so it is not quoted."""
    if holds_key(path):
        raise error(
            "INVALID_KEY",
            "A key or a token was given where the path of a key file belongs.",
            "Give the key itself as key_str, or save it in a file of mode 0600.",
        )
    file = resolve_path(path, env)
    home = os.path.abspath(home_folder(env))
    is_owners = file == os.path.join(home, "owner.key") or os.path.dirname(file) == os.path.join(home, "owners")
    try:
        with open(file, "rb") as opened:
            content = opened.read()
    except (OSError, ValueError) as failure:
        reason = "does not exist" if isinstance(failure, (FileNotFoundError, NotADirectoryError)) else "could not be read"
        if variable:
            remedy = f"Set {variable} to a path or to a key (AGE-SECRET-KEY-1...)."
            raise error("NO_KEY", f"The file that {variable} names {reason}.", remedy) from None
        raise error("NO_KEY", f"The key file {file} {reason}.", "Check the path and its permissions.") from failure
    return _Source(content, f"the file that {variable} names" if variable else file, is_owners)
