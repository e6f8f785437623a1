"""`signed_files` in `config.yaml`: the digests of the files that the lock's own lists leave out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import VaultError, error
from ..format.layout import CONFIG_FILE
from .digest import digest_of
from .lock import Lock

_ENTRY = r" {2}([a-z][a-z0-9._-]{0,63}): (sha256:[0-9a-f]{64})\n"
_BLOCK = re.compile(rf"^signed_files:\n((?:{_ENTRY})+)(?! )", re.MULTILINE)
#: Every way to begin the field, the one above among them.
_MENTION = re.compile(r"""^[?{]?[ \t]*["']?signed_files["']?[ \t]*(?::|\r?$)""", re.MULTILINE)


def added_by(lock: Lock, config: bytes | None) -> Mapping[str, str] | None:
    """
    The digests of the added files and folders that a state covers, by name. `config` is the content of `config.yaml`.

    `None` if that is not what was signed. Raises `INVALID_CONFIG`.
    """
    if (None if config is None else digest_of(config)) != lock.files.get(CONFIG_FILE):
        return None
    return {} if config is None else signed_files_in(config)


def signed_files_in(config: bytes) -> Mapping[str, str]:
    """
    Reads `signed_files` in the one spelling in which it is written; empty if there is no such field.

    Raises `INVALID_CONFIG` for any other spelling.
    """
    text = config.decode("latin-1")
    mentions = len(_MENTION.findall(text))
    if mentions == 0:
        return {}
    block = _BLOCK.search(text)
    entries = re.findall(_ENTRY, block[1]) if block else []
    names = [name for name, _ in entries]
    if mentions > 1 or not entries or names != sorted(set(names)):
        raise _misspelled()
    return dict(entries)


def _misspelled() -> VaultError:
    return error(
        "INVALID_CONFIG",
        f"{CONFIG_FILE}: signed_files is not written as agent-vault writes it.",
        f"Restore {CONFIG_FILE} from git, or ask an owner to run agent-vault sign, which writes it again.",
    )
