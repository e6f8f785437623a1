"""What `policy.yaml` says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .glob import PathSegments

CONDITION_FIELDS = ("agents", "users", "repositories", "branches", "environments", "services", "harnesses", "commands", "actions", "env")
#: What a person has to say before a use, from the least to the most.
APPROVALS = ("never", "session", "once", "always")


@dataclass(frozen=True)
class Pattern:
    """A pattern as it was written, and in its segments."""

    text: str
    segments: PathSegments


Conditions = Mapping[str, tuple[Pattern, ...]]


@dataclass(frozen=True)
class Rule:
    """A rule. `allow` and `deny` are `None` if it has none, and empty for `all`."""

    name: str | None
    #: Its place in the list, from 1.
    position: int
    secrets: tuple[Pattern, ...]
    #: The rule is about uses for which all of this holds.
    when: Conditions
    #: It allows the uses for which all of this holds.
    allow: Conditions | None
    #: It denies the uses for which any of this holds, and all of them if it is empty.
    deny: Conditions | None
    approval: str | None
    limits_duration: bool

    @property
    def title(self) -> str:
        return f"rule {self.position}" if self.name is None else f'rule "{self.name}"'


@dataclass(frozen=True)
class Policy:
    """Who may use which secrets, and how. What no rule allows is denied, unless there is no list of rules at all."""

    has_rules: bool
    rules: tuple[Rule, ...]


_LINE = "[^\n\r\u2028\u2029]*"
_URL = re.compile(rf"[a-z][a-z0-9+.-]*://(?:[^/]*@)?([^/]*)({_LINE})", re.IGNORECASE | re.ASCII)
_SCP = re.compile(rf"(?:[^@/]+@)?([^/:]+):({_LINE})")


def repository_name(text: str) -> str:
    """A repository as patterns know it, however its URL is written: `github.com/acme/app`, or the path of a folder."""
    path = re.sub(r"^([A-Za-z]):[\\/]", r"/\1/", text).replace("\\", "/")
    match = _URL.fullmatch(path) or _SCP.fullmatch(path)
    name = f"{match[1].lower()}/{match[2].lstrip('/')}" if match else path
    return name.rstrip("/").removesuffix(".git")
