"""Passphrases that nobody types."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from ..errors import VaultError, error
from .key_program import output_of

#: Gives the passphrase of a key; the argument names it for a person.
PassphraseSource = Callable[[str], str]

_ASKPASS = "AGENT_VAULT_ASKPASS"
#: A person may be asked by it.
_ASKPASS_TIMEOUT_S = 300
_MAX_PASSPHRASE_BYTES = 4096


def passphrase_from(descriptor: int) -> PassphraseSource:
    """The first line of a file descriptor, which is read now. Raises `USAGE`, `PASSPHRASE_REQUIRED`."""
    passphrase = _read_line(descriptor)
    return lambda _: passphrase


def ask_program(env: Mapping[str, str]) -> PassphraseSource | None:
    """What the program prints that `AGENT_VAULT_ASKPASS` names; `None` if it names none."""
    program = env.get(_ASKPASS)
    if not program:
        return None

    def ask(source: str) -> str:
        words = [program, f"Passphrase for {source}: "]
        output = output_of(words, env, variable=_ASKPASS, code="PASSPHRASE_REQUIRED", timeout_s=_ASKPASS_TIMEOUT_S)
        return _first_line(output)

    return ask


def _read_line(descriptor: int) -> str:
    """Reads no further than the line, because what follows belongs to others."""
    content = bytearray()
    try:
        while len(content) <= _MAX_PASSPHRASE_BYTES and (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
            content += byte
        if descriptor > 2:
            # No program that is started later can read what is left.
            os.close(descriptor)
    except OSError:
        raise _not_a_descriptor() from None
    return _first_line(bytes(content))


def _first_line(content: bytes) -> str:
    line = re.split(r"\r?\n|\r\Z", content.decode("utf-8", "replace"), maxsplit=1)[0]
    if line:
        return line
    raise error(
        "PASSPHRASE_REQUIRED",
        "The passphrase that was given is empty.",
        "Write it as one line to the file descriptor, or have the program print it.",
    )


def _not_a_descriptor() -> VaultError:
    return error("USAGE", "The passphrase cannot be read from that file descriptor.", "Open it before you make the Vault.")
