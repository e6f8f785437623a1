"""What is recorded of a use."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone

#: Limits of one field, so that nobody fills the disk: UTF-16 units of a text, texts of a list.
_MAX_TEXT_LENGTH = 4096
_SPOOL_ROW_VERSION = 1


@dataclass(frozen=True)
class AuditEvent:
    """What was done, or was refused. No field ever contains a secret's value."""

    action: str
    #: `done`, `denied` or `failed`.
    outcome: str
    who: str | None = None
    #: The recipient of the identity.
    identity: str | None = None
    harness: str | None = None
    secrets: tuple[str, ...] | None = None
    folder: str | None = None
    repository: str | None = None
    branch: str | None = None
    reason: str | None = None

    def tidy(self) -> AuditEvent:
        """The event as it is kept: whole characters, and within the limits."""
        return replace(
            self,
            action=_tidy(self.action) or "",
            who=_tidy(self.who),
            identity=_tidy(self.identity),
            harness=_tidy(self.harness),
            secrets=None if self.secrets is None else tuple(_tidy(secret) or "" for secret in self.secrets),
            folder=_tidy(self.folder),
            repository=_tidy(self.repository),
            branch=_tidy(self.branch),
            reason=_tidy(self.reason),
        )


@dataclass(frozen=True)
class AuditRow:
    """An event with its time: RFC 3339, UTC, milliseconds."""

    time: str
    event: AuditEvent


def row_of(event: AuditEvent) -> AuditRow:
    """A row for what happens now."""
    return AuditRow(now(), event.tidy())


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_spool_row(row: AuditRow) -> str:
    """One line of JSON: an array of the version and the row's fields, `null` for what is absent. Node writes the same bytes."""
    event = row.event
    fields: Sequence[object] = [
        _SPOOL_ROW_VERSION,
        row.time,
        None,  # the row that this one completes
        event.action,
        event.outcome,
        event.who,
        event.identity,
        event.harness,
        event.secrets,
        None,  # command
        event.folder,
        event.repository,
        event.branch,
        None,  # exit code
        event.reason,
        None,  # request
    ]
    return to_json(fields)


def to_json(value: object) -> str:
    """JSON as `JSON.stringify` of JavaScript prints it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tidy(text: str | None) -> str | None:
    if text is None:
        return None
    whole = _well_formed(text)
    units = whole.encode("utf-16-le")
    length = len(units) // 2
    if length <= _MAX_TEXT_LENGTH:
        return whole
    kept = units[: 2 * _MAX_TEXT_LENGTH].decode("utf-16-le", "surrogatepass")
    return f"{_well_formed(kept)} [{length - _MAX_TEXT_LENGTH} more characters]"


def _well_formed(text: str) -> str:
    """Half a surrogate pair, and a byte that was no text, would not come back as they went in."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return re.sub("[\ud800-\udfff]", "\ufffd", joined)
