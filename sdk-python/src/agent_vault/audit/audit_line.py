"""A row of the audit log as it leaves this machine's home. Node writes the same bytes: fixtures/spool."""

from __future__ import annotations

import itertools
import secrets
from datetime import datetime, timezone

from ..record.audit_event import AuditRow, to_json

_writer = secrets.token_hex(16)
_count = itertools.count(1)


def new_row_id() -> str:
    """A name for a row: no two rows have the same."""
    return f"{_writer}:{next(_count)}"


def forget_writer() -> None:
    """After a fork the rows of the child have other names."""
    global _writer
    _writer = secrets.token_hex(16)


def audit_fields(row: AuditRow, row_id: str, vault: str) -> dict[str, object]:
    """The fields by their names, in this order, without those that are absent."""
    event = row.event
    fields: dict[str, object] = {
        "id": row_id,
        "vault": vault,
        "time": row.time,
        "action": event.action,
        "outcome": event.outcome,
        "who": event.who,
        "identity": event.identity,
        "harness": event.harness,
        "secrets": event.secrets,
        "folder": event.folder,
        "repository": event.repository,
        "branch": event.branch,
        "reason": event.reason,
    }
    return {name: value for name, value in fields.items() if value is not None}


def audit_line(row: AuditRow, row_id: str, vault: str) -> str:
    """A line of JSON, with its line feed."""
    return f"{to_json(audit_fields(row, row_id, vault))}\n"


def otlp_body(row: AuditRow, row_id: str, vault: str) -> str:
    """The body of an OTLP request (OpenTelemetry Protocol 1, logs, JSON encoding)."""
    event = row.event
    who = "unknown" if event.who is None else event.who
    is_refusal = event.outcome in ("denied", "failed")
    fields = audit_fields(row, row_id, vault)
    del fields["vault"]
    moment = datetime.strptime(row.time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    milliseconds = int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000
    record = {
        "timeUnixNano": f"{milliseconds}000000",
        "severityNumber": 13 if is_refusal else 9,
        "severityText": "WARN" if is_refusal else "INFO",
        "eventName": "agent_vault.audit",
        "body": {"stringValue": f"{' '.join([who, event.action, *(event.secrets or ())])}: {event.outcome}"},
        "attributes": [{"key": f"agent_vault.{name}", "value": _otlp_value(value)} for name, value in fields.items()],
    }
    attributes = [
        {"key": "service.name", "value": {"stringValue": "agent-vault"}},
        {"key": "agent_vault.vault", "value": {"stringValue": vault}},
    ]
    scope = {"scope": {"name": "agent-vault.audit"}, "logRecords": [record]}
    return to_json({"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [scope]}]})


def _otlp_value(value: object) -> dict[str, object]:
    if isinstance(value, tuple):
        return {"arrayValue": {"values": [{"stringValue": text} for text in value]}}
    return {"stringValue": str(value)}
