"""`config.yaml`: the vault's id and settings."""

from __future__ import annotations

from .fields import Fields
from .layout import CONFIG_FILE
from .strict_yaml import read_yaml

_DEFAULT_PULL_INTERVAL_S = 60.0


def parse_pull_interval(content: bytes) -> float:
    """`settings.pull_interval`: for how many seconds after a fetch a read does not fetch again. Raises `INVALID_YAML`, `INVALID_CONFIG`."""
    fields = Fields.of(read_yaml(content, CONFIG_FILE), "INVALID_CONFIG", CONFIG_FILE)
    fields.require("version", 1, "this agent-vault reads version 1 only")
    settings = Fields.of(fields.values.get("settings", {}), "INVALID_CONFIG", CONFIG_FILE, "settings.")
    return settings.number("pull_interval", _DEFAULT_PULL_INTERVAL_S)
