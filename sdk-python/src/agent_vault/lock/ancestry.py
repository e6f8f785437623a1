"""`vault.states`: the states behind a state."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import error
from ..format.layout import STATES_FILE

#: Half of a digest: nobody finds two states that share it.
_HEX_DIGITS = 32
_LINE = _HEX_DIGITS + 1
_LINES = re.compile(rf"(?:[0-9a-f]{{{_HEX_DIGITS}}}\n)+")


@dataclass(frozen=True)
class Ancestry:
    """
    All states behind a state, back to the first: the first half of each one's digest, one a line, sorted.

    A state is newer than another if it is trusted and lists it. No sequence, time or commit makes it newer.
    """

    _lines: str = ""

    @classmethod
    def parse(cls, content: bytes | None) -> Ancestry:
        """Reads `vault.states`. `None` is no such file, as in a first state and in those of 0.2.0. Raises `BAD_SIGNATURE`."""
        if content is None:
            return cls()
        text = content.decode("latin-1")
        lines = text.split("\n")[:-1]
        if not _LINES.fullmatch(text) or any(one >= other for one, other in itertools.pairwise(lines)):
            raise error(
                "BAD_SIGNATURE",
                f"{STATES_FILE} is not a list of a vault's earlier states.",
                "Do not use this copy. Ask an owner, and see with git log who changed it.",
            )
        return cls(text)

    @classmethod
    def following(cls, parents: Iterable[tuple[str, Ancestry]]) -> Ancestry:
        """What is behind a state that follows these, each a digest with what is behind it."""
        lines: set[str] = set()
        for digest, ancestry in parents:
            lines.add(_line_of(digest))
            lines.update(ancestry._lines.splitlines(keepends=True))
        return cls("".join(sorted(lines)))

    def to_bytes(self) -> bytes:
        """The content of `vault.states`."""
        return self._lines.encode("ascii")

    def __len__(self) -> int:
        return len(self._lines) // _LINE

    def __contains__(self, digest: str) -> bool:
        """Whether a state, `sha256:...`, is among them."""
        line = _line_of(digest)
        start, end = 0, len(self)
        while start < end:
            middle = (start + end) // 2
            found = self._lines[middle * _LINE : (middle + 1) * _LINE]
            if found == line:
                return True
            start, end = (middle + 1, end) if found < line else (start, middle)
        return False


def _line_of(digest: str) -> str:
    return f"{digest.removeprefix('sha256:')[:_HEX_DIGITS]}\n"
