"""A secret's `.meta` file: what is known of it without its value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .fields import Fields
from .layout import metadata_file
from .strict_yaml import read_yaml

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2})))?")


@dataclass(frozen=True)
class Metadata:
    """Times are in UTC."""

    group: str | None
    created: datetime | None
    rotated: datetime | None
    expires: datetime | None
    authorized_agents: tuple[str, ...]
    #: How often the value was set, where it is counted.
    version: int | None = None


#: The metadata of a secret without a `.meta` file.
NO_METADATA = Metadata(None, None, None, None, ())


def parse_metadata(content: bytes, path: str) -> Metadata:
    """Raises `INVALID_YAML`, `INVALID_METADATA`."""
    file = metadata_file(path)
    fields = Fields.of(read_yaml(content, file), "INVALID_METADATA", file)
    fields.text("name")
    group = fields.values.get("group")
    if group is not None and type(group) not in (str, int, float):
        raise fields.invalid("group", "this must be text")
    return Metadata(
        group=None if group is None else str(group),
        created=_time(fields, "created"),
        rotated=_time(fields, "rotated"),
        expires=_time(fields, "expires"),
        authorized_agents=tuple(fields.texts("authorized_agents")),
        version=fields.count("version"),
    )


def parse_environment(content: bytes, path: str) -> str | None:
    """The environment of a secret, which a policy can ask for. Raises `INVALID_YAML`, `INVALID_METADATA`."""
    file = metadata_file(path)
    fields = Fields.of(read_yaml(content, file), "INVALID_METADATA", file)
    value = fields.values.get("environment")
    if value is None or isinstance(value, str):
        return value
    if type(value) not in (int, float):
        raise fields.invalid("environment", "this must be text")
    return str(int(value)) if value == int(value) else str(value)


def _time(fields: Fields, name: str) -> datetime | None:
    """An RFC 3339 time, in UTC and whole microseconds; `None` if the field is missing."""
    if fields.values.get(name) is None:
        return None
    found = _TIME.fullmatch(fields.text(name))
    if not found:
        raise fields.invalid(name, "this must be an RFC 3339 time")
    day, clock, fraction, sign, hours, minutes = found.groups()
    try:
        time = datetime.strptime(f"{day}T{clock or '00:00:00'}", "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        time += timedelta(microseconds=int((fraction or "0")[:6].ljust(6, "0")))
        return time + offset if sign == "-" else time - offset
    except (ValueError, OverflowError):
        raise fields.invalid(name, "this must be an RFC 3339 time") from None
