"""Says how old the state is that is read where a remote cannot be asked."""

from __future__ import annotations

from .fetch_record import FetchRecord


def say_age(before: FetchRecord | None, now: int) -> str:
    if before is None or before.fetched_at is None:
        return "The vault's remote could not be asked, so this is the state that is here"
    return f"The vault's remote could not be asked, so this is the state of {_duration((now - before.fetched_at) / 60_000)} ago"


def _duration(minutes: float) -> str:
    """At least a minute, in the largest unit that has one."""
    whole = max(1, round(minutes))
    if whole < 120:
        return f"{whole} minute{'' if whole == 1 else 's'}"
    return f"{whole // 60} hours" if whole < 48 * 60 else f"{whole // (24 * 60)} days"
