"""`config.yaml`: the vault's id and settings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import VaultError
from .fields import Fields
from .file_source import FileReader
from .layout import CONFIG_FILE
from .strict_yaml import read_yaml

_DEFAULT_INTERVAL_S = 60.0
#: The longest time that a vault can keep readers from asking its remote.
_MAX_INTERVAL_S = 86_400.0
_BRANCH = re.compile(r"(?!-)[\w./-]+", re.ASCII)


@dataclass(frozen=True)
class SyncSettings:
    """What a vault says of its remote."""

    #: Seconds in which a second read does not ask the remote again.
    interval_s: float = 0.0
    #: The full name of the vault's main branch, if it is not the remote's default one.
    home: str | None = None
    #: The name of its remote in each clone.
    remote: str | None = None


def read_sync_settings(files: FileReader) -> SyncSettings:
    """The settings of a vault; if they cannot be read, those with which a correction is fetched soon."""
    try:
        content = files.read(CONFIG_FILE)
        return SyncSettings() if content is None else parse_sync_settings(content)
    except VaultError:
        return SyncSettings()


def parse_sync_settings(content: bytes) -> SyncSettings:
    """`settings` of `config.yaml`. Raises `INVALID_YAML`, `INVALID_CONFIG`."""
    fields = Fields.of(read_yaml(content, CONFIG_FILE), "INVALID_CONFIG", CONFIG_FILE)
    fields.require("version", 1, "this agent-vault reads version 1 only")
    settings = fields.child("settings")
    sync = settings.child("sync")
    branch = sync.text("branch") if "branch" in sync.values else None
    if branch is not None and not _BRANCH.fullmatch(branch):
        raise sync.invalid("branch", "a branch is named as git names it")
    home = branch if branch is None or branch.startswith("refs/") else f"refs/heads/{branch}"
    remote = sync.text("remote") if "remote" in sync.values else None
    return SyncSettings(min(settings.number("pull_interval", _DEFAULT_INTERVAL_S), _MAX_INTERVAL_S), home, remote)


def parse_audit_sinks(content: bytes) -> list[str] | None:
    """`settings.audit.allow` of `config.yaml`; `None` without it. Raises `INVALID_YAML`, `INVALID_CONFIG`."""
    fields = Fields.of(read_yaml(content, CONFIG_FILE), "INVALID_CONFIG", CONFIG_FILE)
    audit = fields.child("settings").child("audit")
    return audit.texts("allow") if "allow" in audit.values else None
