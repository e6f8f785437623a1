"""Whether this package can read a secret by itself, or only the command line can, which knows tokens and earlier approvals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..context import presented_token
from ..errors import VaultError, error
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
APPROVAL = Delegation(
    "APPROVAL_UNAVAILABLE",
    "The vault's policy asks for a person's approval of this read",
    ", and an answer that was given before is known to the command line alone.",
    f"{_INSTALL}.",
)
_TOKEN = Delegation(
    "TOKEN_DENIED",
    "A token was presented (AGENT_VAULT_TOKEN)",
    ", which this package cannot verify without the command line.",
    f"{_INSTALL}; or unset AGENT_VAULT_TOKEN to use the key alone.",
)
RECORD = Delegation(
    "LEDGER_UNAVAILABLE",
    "The use cannot be recorded",
    ": it has to be in the ledger, or in a spool for a key that only the command line can encrypt to, and agent-vault is not on the PATH.",
    f"{_INSTALL}; or set AGENT_VAULT_AUDIT to otlp, stderr or file:PATH.",
)
_POST_QUANTUM = Delegation(
    "INVALID_KEY", "The key is a post-quantum key", ", which only the command line can decrypt with.", f"{_INSTALL}."
)


def find_delegation(env: Mapping[str, str], keys: Keys) -> Delegation | None:
    """Why the command line has to read, as far as that is known without the vault's files; `None` if this package can."""
    if presented_token(env) is not None:
        return _TOKEN
    return _POST_QUANTUM if any(identity.is_post_quantum for identity in keys.identities) else None
