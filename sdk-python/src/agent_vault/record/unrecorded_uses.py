"""Counts the reads that were not recorded because the audit log is off, on a machine that has one. The log reports them later."""

from __future__ import annotations

import contextlib
import json
import os
import re

from .audit_event import now, to_json

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}Z")


def count_unrecorded_use(home: str, vault: str) -> None:
    """Counts one read more. The count is a hint for the owner and not a record: it is not signed, and a failure to write it is ignored."""
    folder = os.path.join(home, "ledger")
    if not os.path.exists(os.path.join(folder, f"{vault}.db")):
        return
    file = os.path.join(folder, f"{vault}.unrecorded")
    until = now()
    since, count = _read(file) or (until, 0)
    text = to_json({"since": since, "until": until, "count": count + 1})
    # The log may be off because nothing can be written on this machine.
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
