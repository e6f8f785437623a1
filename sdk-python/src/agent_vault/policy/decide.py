"""Decides on a read. Node decides alike: fixtures/policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .glob import PathSegments, matches_segments
from .policy import APPROVALS, Conditions, Pattern, Policy, Rule, repository_name


@dataclass(frozen=True)
class ReadRequest:
    """A program's read of one secret, before anything is decrypted. `None` for what is not known."""

    #: As secrets are shown.
    secret: str
    environment: str | None
    #: `owner` or `agent`, and the name.
    principal: tuple[str, str] | None
    user: str | None
    repository: str | None
    branch: str | None
    service: str | None
    harness: str | None


@dataclass(frozen=True)
class Decision:
    """What a policy says of a read."""

    allowed: bool
    #: The rule that denies or allows it.
    rule: Rule | None
    #: One of `APPROVALS`.
    approval: str


@dataclass(frozen=True)
class _Verdict:
    rule: Rule
    effect: Literal["denies", "allows", "limits", "silent"]


def decide(policy: Policy | None, request: ReadRequest) -> Decision:
    """Without a policy, or in one without a list of rules, everyone with a key that opens a secret may read it."""
    if policy is None or not policy.has_rules:
        return Decision(True, None, "never")
    verdicts = [_evaluate(rule, request) for rule in policy.rules]
    denying = next((verdict.rule for verdict in verdicts if verdict.effect == "denies"), None)
    allowing = next((verdict.rule for verdict in verdicts if verdict.effect == "allows"), None)
    applying = [verdict for verdict in verdicts if verdict.effect in ("allows", "limits")]
    # A person who runs a program reads with their own key: what a secret is asks for no approval, a rule does.
    approval = _strictest([verdict.rule.approval for verdict in applying if verdict.rule.approval is not None])
    return Decision(denying is None and allowing is not None, denying or allowing, approval)


def _evaluate(rule: Rule, request: ReadRequest) -> _Verdict:
    name = tuple(request.secret.split("/")) if "/" in request.secret else ("default", request.secret)
    if not any(matches_segments(pattern.segments, name) for pattern in rule.secrets):
        return _Verdict(rule, "silent")
    if not _holds(rule.when, request, loose=True):
        return _Verdict(rule, "silent")
    if rule.deny is not None and (not rule.deny or any(_matches(rule.deny, field, request, loose=True) for field in rule.deny)):
        return _Verdict(rule, "denies")
    if rule.allow is None:
        return _Verdict(rule, "limits" if rule.approval or rule.limits_duration else "silent")
    # A read sets no variables, so none of them is unlisted.
    allow = {field: patterns for field, patterns in rule.allow.items() if field != "env"}
    return _Verdict(rule, "allows" if _holds(rule.when, request, loose=False) and _holds(allow, request, loose=False) else "silent")


def _holds(conditions: Conditions, request: ReadRequest, *, loose: bool) -> bool:
    return all(_matches(conditions, field, request, loose=loose) for field in conditions)


def _matches(conditions: Conditions, field: str, request: ReadRequest, *, loose: bool) -> bool:
    """In doubt, what denies is read loosely and what allows strictly."""
    value = _value(field, request)
    if value is None:
        return loose and field in ("agents", "users")
    return any(_fits(pattern, value, loose=loose) for pattern in conditions[field])


def _fits(pattern: Pattern, value: PathSegments, *, loose: bool) -> bool:
    if matches_segments(pattern.segments, value):
        return True
    lower = [part.lower() for part in pattern.segments], [part.lower() for part in value]
    return loose and matches_segments(*lower)


def _value(field: str, request: ReadRequest) -> PathSegments | None:
    """What a condition on a field is compared with."""
    if field == "agents":
        return request.principal
    if field == "actions":
        return ("read",)
    if field == "repositories":
        return None if request.repository is None else tuple(repository_name(request.repository).split("/"))
    if field == "branches":
        return None if request.branch is None else tuple(request.branch.split("/"))
    single = {
        "users": request.user,
        "environments": request.environment,
        "services": request.service,
        "harnesses": request.harness,
    }.get(field)
    return None if single is None else (single,)


def _strictest(approvals: Sequence[str]) -> str:
    return max(approvals, key=APPROVALS.index, default="never")
