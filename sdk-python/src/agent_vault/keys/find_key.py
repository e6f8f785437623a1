"""Finds the key to read with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..context import home_folder, resolve_path
from ..errors import NO_HOME, VaultError, error
from ..lock.digest import digest_of
from ..text.credentials import holds_key
from .key_file import Keys, decrypt_with_passphrase, is_key_text, is_passphrase_encrypted, parse_key_file
from .key_program import command_words, output_of
from .passphrase import PassphraseSource, ask_program


@dataclass(frozen=True)
class KeyChoice:
    """The key that a program chose: its text, or the absolute path of its file. With neither the usual places are searched."""

    text: str | None = field(default=None, repr=False)
    file: str | None = None
    #: Asks for the passphrase of a protected key. `AGENT_VAULT_ASKPASS` is asked without it.
    passphrase: PassphraseSource | None = field(default=None, repr=False, compare=False)
    #: Keys that took a program or a passphrase. They are kept nowhere else.
    memory: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def opened(self) -> str | None:
        """The key that took a program or a passphrase, if one was loaded."""
        content = next(reversed(self.memory.values()), None)
        return None if content is None else content.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class _Source:
    content: bytes = field(repr=False)
    name: str
    is_owners: bool


#: Names a program that prints the key.
_KEY_COMMAND = "AGENT_VAULT_KEY_COMMAND"
_KEY_COMMAND_TIMEOUT_S = 10


def load_keys(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> Keys:
    """
    The first of: the chosen key, `AGENT_VAULT_KEY` (a path or the key itself), what the program prints that `AGENT_VAULT_KEY_COMMAND`
    names, the owner's key of this vault, `owner.key`, and without an owner's key the one key in `agents/`.

    `vault_id` gives the vault's id, and is called only if keys are kept by vault. Raises `NO_KEY`, `INVALID_KEY`, `PASSPHRASE_REQUIRED`,
    `WRONG_PASSPHRASE`.
    """
    source = _find_source(choice, env, vault_id)
    if is_passphrase_encrypted(source.content):
        ask = choice.passphrase or ask_program(env)
        memory = _memory_of(source)
        if memory not in choice.memory and ask is not None:
            choice.memory[memory] = decrypt_with_passphrase(source.content, ask(source.name), source.name)
        if memory in choice.memory:
            source = replace(source, content=choice.memory[memory])
    return parse_key_file(source.content, source.name, is_owners=source.is_owners)


def find_keys(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> Keys | None:
    """As `load_keys`, or `None` without a usable key. For what needs no key, but trusts the owner whom a key names. It asks nobody."""
    try:
        source = _find_source(choice, env, vault_id)
        opened = choice.memory.get(_memory_of(source))
        return parse_key_file(source.content if opened is None else opened, source.name, is_owners=source.is_owners)
    except VaultError as failure:
        if failure.code in ("NO_KEY", "INVALID_KEY", "PASSPHRASE_REQUIRED"):
            return None
        raise


def require_key(choice: KeyChoice, env: Mapping[str, str], vault_id: Callable[[], str | None]) -> None:
    """Requires that there is a key, which may prove wrong when it is read. Raises `NO_KEY`."""
    if choice.text is None and choice.file is None and not env.get("AGENT_VAULT_KEY") and not env.get(_KEY_COMMAND):
        _find_file(env, vault_id)


def _memory_of(source: _Source) -> str:
    return f"passphrase {digest_of(source.content)}"


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
    command = env.get(_KEY_COMMAND)
    if command:
        return _run_key_command(command, choice, env)
    return _read_file(_find_file(env, vault_id), env)


def _run_key_command(command: str, choice: KeyChoice, env: Mapping[str, str]) -> _Source:
    memory = f"command {command}"
    if memory not in choice.memory:
        words = command_words(command, _KEY_COMMAND)
        choice.memory[memory] = output_of(words, env, variable=_KEY_COMMAND, code="NO_KEY", timeout_s=_KEY_COMMAND_TIMEOUT_S)
    return _Source(choice.memory[memory], f"the output of {_KEY_COMMAND}", is_owners=False)


def _find_file(env: Mapping[str, str], vault_id: Callable[[], str | None]) -> str:
    home = home_folder(env)
    vault = vault_id() if os.path.isdir(os.path.join(home, "owners")) else None
    owners = [*([os.path.join(home, "owners", f"{vault}.key")] if vault else []), os.path.join(home, "owner.key")]
    found = next((file for file in owners if os.path.exists(file)), None)
    if found is not None:
        return found
    agents = _agent_key_files(home)
    if len(agents) == 1:
        return agents[0]
    here = f" Agents' keys on this machine: {', '.join(agents[:3])}{', ...' if len(agents) > 3 else ''}." if agents else ""
    raise error(
        "NO_KEY",
        "No key was found to read the vault with.",
        "Give one with key_path or AGENT_VAULT_KEY, or set AGENT_VAULT_HOME to the folder of your keys. You have no home folder."
        if home.startswith(NO_HOME)
        else f"Give one with key_path or AGENT_VAULT_KEY. An owner's key is in {owners[-1]}.{here}",
    )


def _agent_key_files(home: str) -> list[str]:
    folder = os.path.join(home, "agents")
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".key")]
    except OSError:
        return []


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
