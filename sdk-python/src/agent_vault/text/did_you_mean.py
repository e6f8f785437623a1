"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """`Did you mean X? ` for the candidate that is spelled most like `name`; an empty text if none is close."""
    from difflib import get_close_matches

    spellings = {candidate.lower(): candidate for candidate in candidates}
    matches = get_close_matches(name.lower(), spellings, n=1)
    return f"Did you mean {spellings[matches[0]]}? " if matches else ""
