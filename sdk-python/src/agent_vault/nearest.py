"""What was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """`Did you mean x? `, or nothing."""
    meant = nearest(name, candidates)
    return "" if meant is None else f"Did you mean {meant}? "


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that is spelled most like `name`, or `None` when none is close enough to be meant."""
    limit = max(1, len(name) // 3)
    best: str | None = None
    best_distance = limit + 1
    for candidate in candidates:
        if abs(len(candidate) - len(name)) >= best_distance:
            continue
        distance = _edit_distance(name.lower(), candidate.lower(), best_distance)
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def _edit_distance(a: str, b: str, limit: int) -> int:
    """Optimal string alignment distance (Damerau 1964, transposition of neighbours counts one), given up beyond `limit`."""
    before_previous: list[int] = []
    previous = list(range(len(b) + 1))
    for i in range(1, len(a) + 1):
        current = [i]
        for j in range(1, len(b) + 1):
            cost = min(previous[j - 1] + (a[i - 1] != b[j - 1]), previous[j] + 1, current[j - 1] + 1)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                cost = min(cost, before_previous[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before_previous, previous = previous, current
    return previous[-1]
