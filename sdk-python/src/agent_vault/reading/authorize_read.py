"""Whether this package can read a secret by itself, or only the command line can, which records uses and checks policy and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..context import is_audit_off, presented_token
from ..errors import VaultError, error
from ..harness import detect_harness
from ..keys.key_file import Keys


@dataclass(frozen=True)
class Delegation:
    """Why the command line has to read a secret. Without it the read fails with `code`."""

    code: str
    #: What is missing, as the start of a sentence.
    subject: str
    detail: str
    remedy: str

    def command_missing(self) -> VaultError:
        return error(self.code, f"{self.subject}{self.detail}", self.remedy)

    def command_failed(self) -> VaultError:
        # The answer may contain a value, so it is not quoted.
        return error(
            self.code,
            f"{self.subject}: the agent-vault on the PATH gave an answer that cannot be read.",
            "Check that it is version 0.2 or later: agent-vault --version.",
        )


_INSTALL = "Install the command line, so that agent-vault is on the PATH"
POLICY = Delegation(
    "POLICY_DENIED", "The vault has a policy", ", which this package cannot evaluate without the command line.", f"{_INSTALL}."
)
_TOKEN = Delegation(
    "TOKEN_DENIED",
    "A token was presented (AGENT_VAULT_TOKEN)",
    ", which this package cannot verify without the command line.",
    f"{_INSTALL}; or unset AGENT_VAULT_TOKEN to use the key alone.",
)
_HARNESS = Delegation(
    "HARNESS_DENIED",
    "A coding agent started this program",
    ", and without the command line this package cannot tell whether a person must approve the read.",
    f"{_INSTALL}; or run the program outside the coding agent.",
)
_RECORD = Delegation(
    "LEDGER_UNAVAILABLE",
    "The use cannot be recorded",
    ": this package has no audit log of its own, and agent-vault is not on the PATH.",
    f"{_INSTALL}; or set AGENT_VAULT_AUDIT=off to read without a record.",
)
_POST_QUANTUM = Delegation(
    "INVALID_KEY", "The key is a post-quantum key", ", which only the command line can decrypt with.", f"{_INSTALL}."
)


def find_delegation(env: Mapping[str, str], keys: Keys) -> Delegation | None:
    """Why the command line has to read, as far as that is known without the vault's files; `None` if this package can."""
    if presented_token(env) is not None:
        return _TOKEN
    if detect_harness(env) is not None:
        return _HARNESS
    if not is_audit_off(env):
        return _RECORD
    return _POST_QUANTUM if any(identity.is_post_quantum for identity in keys.identities) else None
