"""Where uses go on record on this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..context import resolve_path
from ..errors import error
from ..files.vault_files import VaultFiles
from ..format.layout import CONFIG_FILE
from ..text.did_you_mean import did_you_mean

AUDIT_SINKS = ("ledger", "spool", "otlp", "stderr", "file", "off")

_NAMES = {
    "ledger": "the ledger",
    "spool": "a spool",
    "otlp": "an OpenTelemetry collector",
    "stderr": "standard error",
    "file": "a file",
    "off": "reading without an audit log (AGENT_VAULT_AUDIT=off)",
}


@dataclass(frozen=True)
class AuditSink:
    """One of `AUDIT_SINKS`, and the path of a file."""

    kind: str
    path: str = ""


def audit_sink(env: Mapping[str, str]) -> AuditSink:
    """
    What `AGENT_VAULT_AUDIT` says: `ledger` (also if it is not set), `spool`, `otlp`, `stderr`, `file:PATH` or `off`.

    Raises `USAGE` for anything else.
    """
    text = env.get("AGENT_VAULT_AUDIT", "")
    word = text.lower()
    if word in ("", "on"):
        return AuditSink("ledger")
    file = re.fullmatch(r"file:(.+)", text, re.IGNORECASE | re.DOTALL)
    if file:
        return AuditSink("file", _require_absolute(file[1], env))
    if word in AUDIT_SINKS and word != "file":
        return AuditSink(word)
    raise error(
        "USAGE",
        "AGENT_VAULT_AUDIT is none of: ledger, spool, otlp, stderr, file:PATH, off.",
        f"{did_you_mean(word, AUDIT_SINKS)}Set it to one of these, or unset it for the ledger.",
    )


def allows(judging: Iterable[VaultFiles], kind: str) -> bool:
    """Whether the vault's owner lets uses go on record there: `settings.audit.allow` in `config.yaml`. Raises `INVALID_CONFIG`."""
    return all(allowed is None or kind in allowed for allowed in map(_allowed, judging))


def require_allowed(judging: Iterable[VaultFiles], kind: str) -> None:
    """Raises `LEDGER_UNAVAILABLE` if the vault's owner does not let uses go on record there, `INVALID_CONFIG`."""
    for files in judging:
        allowed = _allowed(files)
        if allowed is not None and kind not in allowed:
            raise error(
                "LEDGER_UNAVAILABLE",
                f"The vault's owner does not accept {_NAMES[kind]} as its audit log.",
                f"Set AGENT_VAULT_AUDIT to one that settings.audit.allow in config.yaml lists: {', '.join(allowed) or 'none'}.",
            )


def _allowed(files: VaultFiles) -> list[str] | None:
    content = files.read(CONFIG_FILE)
    if content is None or b"audit" not in content:
        return None
    from ..format.config import parse_audit_sinks

    return parse_audit_sinks(content)


def _require_absolute(path: str, env: Mapping[str, str]) -> str:
    if os.path.isabs(path) or re.match(r"~(?=[/\\]|\Z)", path):
        return resolve_path(path, env)
    # It would be another file in each folder that a program is started in.
    raise error("USAGE", "AGENT_VAULT_AUDIT=file:PATH names a relative path.", "Write an absolute path: file:/var/log/agent-vault.jsonl.")
