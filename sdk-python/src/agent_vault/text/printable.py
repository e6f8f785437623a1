"""Text from a file or a remote, made safe for a terminal."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """`text` with control and formatting characters escaped, so that it cannot act on the terminal that shows it."""
    return "".join(_escaped(character) if _is_control(character) else character for character in text)


def _is_control(character: str) -> bool:
    return character not in "\t\u200c\u200d" and unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"}


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
