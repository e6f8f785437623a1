"""The grammar of all names."""

from __future__ import annotations

import json
import re

from ..errors import VaultError, error

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_SEGMENTS = 8
_DEFAULT_GROUP = "default"


def parse_secret_path(text: str) -> str:
    """
    The path of a secret below `secrets/`, without the file extension. A name without a group is in `default`.

    Raises `VaultError` `INVALID_NAME`.
    """
    segments = text.split("/")
    if len(segments) > _MAX_SEGMENTS:
        raise _invalid("a secret", text, f"it has more than {_MAX_SEGMENTS} segments")
    for segment in segments:
        _check("a secret", text, segment)
    return f"{_DEFAULT_GROUP}/{text}" if len(segments) == 1 else text


def format_secret_path(path: str) -> str:
    """A secret's path as it is shown and as the manifest spells it: a single name in `default` is shown without the group."""
    group, name, *rest = path.split("/")
    return name if group == _DEFAULT_GROUP and not rest else path


def is_name(text: str) -> bool:
    """Whether `text` can name an agent, a group or an owner."""
    return _SEGMENT.fullmatch(text) is not None and not text.lower().endswith((".enc", ".meta"))


def is_secret_path(text: str) -> bool:
    try:
        parse_secret_path(text)
    except VaultError:
        return False
    return True


def _check(kind: str, text: str, segment: str) -> None:
    if not _SEGMENT.fullmatch(segment):
        reason = "each part of a name is 1 to 64 letters, digits, '.', '_' or '-', starting with a letter or digit"
        raise _invalid(kind, text, reason)
    if not is_name(segment):
        raise _invalid(kind, text, "no part of a name may end in .enc or .meta")


def _invalid(kind: str, text: str, reason: str) -> VaultError:
    return error("INVALID_NAME", f"{json.dumps(text)} is not {kind} name: {reason}.", "Use group/name, such as stripe/api-key.")
