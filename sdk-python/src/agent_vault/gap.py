"""A note of what was read while the record is off, on a machine that has one, so that the record can say so later."""

from __future__ import annotations

import contextlib
import json
import os
import re
from datetime import datetime, timezone

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}Z")


def widen_gap(home: str, vault: str) -> None:
    """Counts one read more. The note is nothing to rely on."""
    folder = os.path.join(home, "ledger")
    if not os.path.exists(os.path.join(folder, f"{vault}.db")):
        return
    file = os.path.join(folder, f"{vault}.unrecorded")
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    since, count = _read(file) or (now, 0)
    text = json.dumps({"since": since, "until": now, "count": count + 1}, separators=(",", ":"))
    # A machine on which nothing can be written is what the record was turned off for.
    with contextlib.suppress(OSError), open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)


def _read(file: str) -> tuple[str, int] | None:
    try:
        with open(file, encoding="utf-8") as opened:
            fields = json.load(opened)
        since, until, count = fields["since"], fields["until"], fields["count"]
        return (since, count) if _TIME.fullmatch(since) and _TIME.fullmatch(until) and type(count) is int else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
