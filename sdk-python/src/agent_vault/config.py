"""`config.yaml`: the vault's id and settings."""

from __future__ import annotations

from .layout import CONFIG_FILE
from .plain_yaml import read_yaml
from .schema import Fields

_DEFAULT_INTERVAL = 60.0


def parse_pull_interval(content: bytes) -> float:
    """Seconds in which a second read does not fetch. Raises `INVALID_YAML`, `INVALID_CONFIG`."""
    fields = Fields.of(read_yaml(content, CONFIG_FILE), "INVALID_CONFIG", CONFIG_FILE)
    fields.require("version", 1, "this agent-vault reads version 1 only")
    settings = Fields.of(fields.values.get("settings", {}), "INVALID_CONFIG", CONFIG_FILE, "settings.")
    return settings.number("pull_interval", _DEFAULT_INTERVAL)
