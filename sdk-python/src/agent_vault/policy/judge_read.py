"""The judgement on a read by the policies that count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import VaultError, error
from ..files.vault_files import VaultFiles
from ..format.layout import POLICY_FILE, metadata_file, secret_file
from ..format.metadata import parse_environment
from ..format.names import format_secret_path
from ..keys.key_file import Keys
from ..keys.require_not_removed import identify_principal
from ..record.invocation_context import InvocationContext, invocation_context
from .decide import Decision, ReadRequest, decide
from .parse_policy import parse_policy

_GIVEN = ("once", "session")


def judge_read(root: str, path: str, files: VaultFiles, homes: Sequence[VaultFiles], keys: Keys, env: Mapping[str, str]) -> bool:
    """
    Whether the read is allowed, and then whether a person has to approve it.

    The policy of `files` decides, and those of `homes`, the main branch, can only refuse more. Raises `POLICY_DENIED`, `INVALID_POLICY`,
    `APPROVAL_DENIED`, `APPROVAL_UNAVAILABLE`.
    """
    where = invocation_context(root, env)
    environment = _environment(files, path)
    here = _decide(files, _request(path, environment, files, keys, where, env))
    _require_allowed(here, path)
    approvals = [here.approval]
    for home in homes:
        known = _environment(home, path) if _has(home, path) else environment
        there = _decide(home, _request(path, known, home, keys, where, env))
        try:
            _require_allowed(there, path)
        except VaultError as failure:
            message = f"On the vault's main branch, which counts on every branch: {failure.message}"
            raise error(failure.code, message, f"{failure.remedy} Merge the main branch to have one policy.") from failure
        approvals.append(there.approval)
    if all(approval == "never" for approval in approvals):
        return False
    _require_answer(env, format_secret_path(path))
    return True


def _is_answered(env: Mapping[str, str]) -> bool:
    """Whether a person may have approved of the read before, which the command line can tell."""
    return env.get("AGENT_VAULT_APPROVE") in _GIVEN or bool(env.get("AGENT_VAULT_SESSION"))


def _request(
    path: str, environment: str | None, files: VaultFiles, keys: Keys, where: InvocationContext, env: Mapping[str, str]
) -> ReadRequest:
    return ReadRequest(
        secret=format_secret_path(path),
        environment=environment,
        principal=identify_principal(files, keys),
        user=where.user,
        repository=where.repository,
        branch=where.branch,
        service=env.get("AGENT_VAULT_SERVICE") or None,
        harness=where.harness,
    )


def _decide(files: VaultFiles, request: ReadRequest) -> Decision:
    content = files.read(POLICY_FILE)
    return decide(None if content is None else parse_policy(content), request)


def _require_allowed(decision: Decision, path: str) -> None:
    if decision.allowed:
        return
    secret = format_secret_path(path)
    what = f"denies this use of {secret}: {decision.rule.title}" if decision.rule else f"has no rule that allows this use of {secret}"
    raise error("POLICY_DENIED", f"The vault's policy {what}.", "See why with agent-vault policy explain; an owner can change the policy.")


def _require_answer(env: Mapping[str, str], secret: str) -> None:
    if env.get("AGENT_VAULT_APPROVE") == "deny":
        raise error("APPROVAL_DENIED", f"The read of {secret} was denied (AGENT_VAULT_APPROVE).", "Unset AGENT_VAULT_APPROVE to be asked.")
    if not _is_answered(env):
        raise error(
            "APPROVAL_UNAVAILABLE",
            f"The vault's policy asks for a person's approval before {secret} is read, and this package asks nobody.",
            "Have a person allow it: start the program in a session (agent-vault session start) in which they approved it, set "
            f"AGENT_VAULT_APPROVE=once, or use agent-vault run --secret {secret} -- COMMAND, which asks.",
        )


def _environment(files: VaultFiles, path: str) -> str | None:
    content = files.read(metadata_file(path))
    return None if content is None else parse_environment(content, path)


def _has(files: VaultFiles, path: str) -> bool:
    """Whether the main branch has a secret. Its value need not be here."""
    return files.signed.covers(secret_file(path)) if files.signed else files.read(secret_file(path)) is not None
