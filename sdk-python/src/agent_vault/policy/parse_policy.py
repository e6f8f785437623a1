"""Reads `policy.yaml`. All that is not understood is an error: a rule that is left out could be the one that denies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import VaultError, error
from ..format.layout import POLICY_FILE
from ..format.strict_yaml import read_yaml
from ..record.invocation_context import WHITE_SPACE
from ..text.did_you_mean import did_you_mean
from .policy import APPROVALS, CONDITION_FIELDS, Conditions, Pattern, Policy, Rule, repository_name

_ACTIONS = ("run", "inject", "get", "read")
_CHANNELS = ("terminal", "dialog", "mcp")
_MAX_PATTERN_LENGTH = 512
#: The latest version of the file that is known here.
_MAX_VERSION = 2
_SPECIAL = re.compile(rf"[?\[\]{{}}!\\{WHITE_SPACE}]")
_OWNER = re.compile("owner:([^\n\r\u2028\u2029]+)")
_DURATION = re.compile(r"([0-9]{1,6})[smhdwy]")


@dataclass(frozen=True)
class _Field:
    """A field of the file. Its reader says what it expects; anything else is `INVALID_POLICY`."""

    value: Any
    name: str = "a policy"

    def error(self, problem: str, hint: str = "") -> VaultError:
        return error("INVALID_POLICY", f"{POLICY_FILE}: {self.name} {problem}.", f"{hint}Nothing is allowed until it is fixed.")

    def table(self, known: Iterable[str]) -> dict[str, _Field]:
        if not isinstance(self.value, dict):
            raise self.error("has to be a mapping of names to values")
        fields = {name: _Field(value, self._inner(name)) for name, value in self.value.items()}
        for name, field in fields.items():
            if name not in known:
                raise field.error("is not a known field", did_you_mean(name, known) or f"The known fields are: {', '.join(known)}. ")
        return fields

    def items(self) -> list[_Field]:
        if not isinstance(self.value, list):
            raise self.error("has to be a list")
        return [_Field(value, self._inner(str(index + 1))) for index, value in enumerate(self.value)]

    def texts(self) -> list[_Field]:
        fields = self.items() if isinstance(self.value, list) else [self]
        if not fields:
            raise self.error("is an empty list, which matches nothing")
        for field in fields:
            field.text()
        return fields

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.error("has to be text", "Put it in quotes. ")
        if self.value == "":
            raise self.error("is empty")
        return self.value

    def one_of(self, choices: tuple[str, ...]) -> str:
        if isinstance(self.value, str) and self.value in choices:
            return self.value
        raise self.error(f"is not one of: {', '.join(choices)}", did_you_mean(str(self.value), choices))

    def require_duration(self) -> None:
        match = _DURATION.fullmatch(self.value) if isinstance(self.value, str) else None
        if not match or int(match[1]) == 0:
            raise self.error("is not a duration", "Write it as 15m, 8h or 30d. ")

    def _inner(self, name: str) -> str:
        return name if self.name == "a policy" else f"{self.name}.{name}"


def parse_policy(content: bytes) -> Policy:
    """Raises `INVALID_POLICY`, and `TOO_NEW` for a later version than this one knows."""
    try:
        value = read_yaml(content, POLICY_FILE)
    except VaultError as failure:
        if failure.code != "INVALID_YAML":
            raise
        # A policy that cannot be read is a denial like any other, and no damage of the vault.
        raise error("INVALID_POLICY", failure.message, f'{failure.remedy} Put a pattern that begins with * in quotes: "**".') from failure
    if _is_newer(value):
        raise error(
            "TOO_NEW",
            f"{POLICY_FILE} was written by a newer agent-vault, which this one cannot read.",
            "Update this package. Nothing is allowed until then.",
        )
    root = _Field(value)
    fields = root.table(("version", "approval_channels", "rules"))
    version = fields["version"].value if "version" in fields else None
    if type(version) not in (int, float) or version not in (1, 2):
        raise fields.get("version", root).error("has to begin with version: 1 or version: 2, which is what this agent-vault reads")
    if "rules" not in fields and version == 1:
        raise root.error("has no rules", "For a policy that denies everything, write rules: []. ")
    if "approval_channels" in fields:
        for channel in fields["approval_channels"].texts():
            channel.one_of(_CHANNELS)
    rules = fields["rules"].items() if "rules" in fields else []
    return Policy("rules" in fields, tuple(_rule(field, index + 1) for index, field in enumerate(rules)))


def _is_newer(policy: object) -> bool:
    version = policy.get("version") if isinstance(policy, dict) else None
    if isinstance(version, bool) or not isinstance(version, (int, float)):
        return False
    return _MAX_VERSION < version < 2**53 and version == int(version)


def _rule(field: _Field, position: int) -> Rule:
    fields = field.table(("name", "secrets", "when", "allow", "env", "deny", "approval", "max_ttl"))
    if "secrets" not in fields:
        raise field.error("does not say which secrets it is about", "Add secrets: GROUP/NAME, or ** for all. ")
    name = fields["name"].text() if "name" in fields else None
    secrets = tuple(_secret(text) for text in fields["secrets"].texts())
    when = _conditions(fields["when"]) if "when" in fields else {}
    allow = _allow(fields.get("allow"), fields.get("env"))
    deny = _all_or_conditions(fields["deny"]) if "deny" in fields else None
    approval = fields["approval"].one_of(APPROVALS) if "approval" in fields else None
    if "max_ttl" in fields:
        fields["max_ttl"].require_duration()
    if allow is None and deny is None and approval is None and "max_ttl" not in fields:
        raise field.error("says nothing", "Add allow, deny, approval or max_ttl; allow: all sets no conditions. ")
    return Rule(name, position, secrets, when, allow, deny, approval, "max_ttl" in fields)


def _allow(allow: _Field | None, env: _Field | None) -> Conditions | None:
    conditions = None if allow is None else _all_or_conditions(allow)
    if env is None:
        return conditions
    if conditions is None:
        raise env.error("is in a rule that allows nothing", "Write it under allow. ")
    if "env" in conditions:
        raise env.error("is there twice", "Write it under allow alone. ")
    return {**conditions, "env": tuple(map(_env, env.texts()))}


def _all_or_conditions(field: _Field) -> Conditions:
    return {} if field.value == "all" else _conditions(field)


def _conditions(field: _Field) -> Conditions:
    if isinstance(field.value, str):
        raise field.error("is neither all nor a mapping of conditions")
    fields = field.table(CONDITION_FIELDS)
    if not fields:
        raise field.error("has no conditions", "Where there are to be none, write all. ")
    return {name: tuple(_PATTERNS[name](text) for text in fields[name].texts()) for name in CONDITION_FIELDS if name in fields}


def _secret(field: _Field) -> Pattern:
    text = _path(field)
    segments = _full_segments(field, text)
    if len(segments) > 1 or text == "**":
        return Pattern(text, segments)
    if "*" in text:
        raise field.error("leaves its group open", f"Write default/{text} or **/{text}. ")
    return Pattern(text, ("default", text))


def _agent(field: _Field) -> Pattern:
    text = _word(field)
    owner = _OWNER.fullmatch(text)
    return Pattern(text, ("owner", owner[1]) if owner else ("agent", text))


def _plain(field: _Field) -> Pattern:
    text = _word(field)
    return Pattern(text, (text,))


def _repository(field: _Field) -> Pattern:
    text = _path(field)
    return Pattern(text, _segments(field, repository_name(text)))


def _branch(field: _Field) -> Pattern:
    text = _path(field)
    return Pattern(text, _full_segments(field, text))


def _command(field: _Field) -> Pattern:
    """A read starts no command, so this pattern matches none. It is checked all the same, as everywhere."""
    text = field.text()
    _require_short(field, text)
    if re.search(r"[\"'`\\]", text):
        raise field.error("has a quote or a backslash", "A pattern has arguments with spaces between them; * matches a space, too. ")
    segments = re.split(f"[{WHITE_SPACE}]+", text.strip(WHITE_SPACE))
    if any(re.fullmatch(r"[|&;<>]+|[0-9]?>.*", part) for part in segments):
        raise field.error("is a line for a shell", "Commands are run without a shell; write a rule for the program. ")
    if any("**" in part and part != "**" for part in segments):
        raise field.error("has ** inside an argument", "It matches whole arguments; inside one write *. ")
    return Pattern(text, tuple(segments))


def _action(field: _Field) -> Pattern:
    text = field.one_of(_ACTIONS)
    return Pattern(text, (text,))


def _env(field: _Field) -> Pattern:
    pattern = _plain(field)
    if not re.fullmatch(r"[A-Za-z0-9_*]+", pattern.text):
        raise field.error("is not the name of a variable", "Write names alone, such as NODE_ENV or APP_*; their values are not looked at. ")
    return pattern


_PATTERNS: dict[str, Callable[[_Field], Pattern]] = {
    "agents": _agent,
    "users": _plain,
    "repositories": _repository,
    "branches": _branch,
    "environments": _plain,
    "services": _plain,
    "harnesses": _plain,
    "commands": _command,
    "actions": _action,
    "env": _env,
}


def _word(field: _Field) -> str:
    """A pattern over a name that is one segment, where `*` matches anything."""
    text = field.text()
    _require_plain(field, text)
    if "**" in text:
        raise field.error("has **", "Use *, which matches anything here. ")
    return text


def _path(field: _Field) -> str:
    """A pattern over a name with slashes."""
    text = field.text()
    _require_plain(field, text)
    if text == "*":
        raise field.error("matches only names without a slash", "For any name, write **. ")
    return text


def _full_segments(field: _Field, text: str) -> tuple[str, ...]:
    segments = _segments(field, text)
    if "" in segments:
        raise field.error("has nothing before, between or after its slashes", "For all that lies below a name, write NAME/**. ")
    return segments


def _segments(field: _Field, text: str) -> tuple[str, ...]:
    segments = tuple(text.split("/"))
    if any("**" in part and part != "**" for part in segments):
        raise field.error("has ** beside other characters", "It has to be alone between slashes, as in release/**. ")
    return segments


def _require_plain(field: _Field, text: str) -> None:
    """Syntax of other pattern languages would match nothing here, and so deny nothing."""
    _require_short(field, text)
    special = _SPECIAL.search(text)
    if special:
        raise field.error(f'has "{special[0]}", which patterns do not know', "They know * and **; where there are several, write a list. ")


def _require_short(field: _Field, text: str) -> None:
    """In UTF-16 units, as JavaScript counts."""
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > _MAX_PATTERN_LENGTH:
        raise field.error(f"is longer than {_MAX_PATTERN_LENGTH} characters")
