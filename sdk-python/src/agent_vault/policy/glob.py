"""Patterns over names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

PathSegments = tuple[str, ...]


def matches_segments(pattern: Sequence[str], segments: Sequence[str]) -> bool:
    """
    Whether a pattern matches a name, segment by segment.

    `*` matches any characters of one segment, and `**` alone any number of segments, also none. All else matches itself. It takes no more
    steps than the pattern's length times the name's, whatever they are.
    """
    return _matches(pattern, segments, "**", matches_segment)


def matches_segment(pattern: str, segment: str) -> bool:
    """Whether a pattern matches one segment."""
    return _matches(pattern, segment, "*", str.__eq__)


def _matches(pattern: Sequence[str], items: Sequence[str], run: str, matches_item: Callable[[str, str], bool]) -> bool:
    """Goes back to the last run alone: if what follows it matches somewhere, it matches where it does so first."""
    following = item = 0
    after_run: tuple[int, int] | None = None
    while item < len(items):
        if following < len(pattern) and pattern[following] == run:
            following += 1
            after_run = following, item
        elif following < len(pattern) and matches_item(pattern[following], items[item]):
            following += 1
            item += 1
        elif after_run:
            after_run = after_run[0], after_run[1] + 1
            following, item = after_run
        else:
            return False
    return all(part == run for part in pattern[following:])
