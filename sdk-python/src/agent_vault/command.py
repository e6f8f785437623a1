"""
Reads through the command line where more decides or has to be done than this package can: a record of uses is kept, a policy, a token or
a coding agent is in play, or the key is of a kind that only the command line reads.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .context import detect_harness, is_audit_off, presented_token
from .errors import VaultError, error, warn
from .keys import KeyChoice, Keys

_PROGRAM = "agent-vault"


@dataclass(frozen=True)
class Reason:
    """Why the command line has to read, and the error where it is not there."""

    code: str
    message: str
    remedy: str

    def error(self) -> VaultError:
        return error(self.code, self.message, self.remedy)


_INSTALL = "Install the command line, so that agent-vault is on the PATH"
POLICY = Reason("POLICY_DENIED", "The vault has a policy, and this package alone cannot judge by it.", f"{_INSTALL}.")
_TOKEN = Reason(
    "TOKEN_DENIED",
    "A token was presented (AGENT_VAULT_TOKEN), and this package alone cannot verify it.",
    f"{_INSTALL}; or unset AGENT_VAULT_TOKEN, where the key alone may do.",
)
_HARNESS = Reason(
    "HARNESS_DENIED",
    "This was started by a coding agent, and this package alone cannot judge whether a person has to be asked.",
    f"{_INSTALL}; or run the program outside of the coding agent.",
)
_RECORD = Reason(
    "LEDGER_UNAVAILABLE",
    "The use cannot be recorded: this package has no ledger of its own, and agent-vault is not on the PATH.",
    f"{_INSTALL}; to go without a record, set AGENT_VAULT_AUDIT=off.",
)
_POST_QUANTUM = Reason("INVALID_KEY", "A post-quantum key is at hand, which this package alone cannot read with.", f"{_INSTALL}.")


def reason_to_delegate(env: Mapping[str, str], keys: Keys) -> Reason | None:
    """Why the command line has to read, as far as that can be told before the vault's files were looked at."""
    if presented_token(env) is not None:
        return _TOKEN
    if detect_harness(env) is not None:
        return _HARNESS
    if not is_audit_off(env):
        return _RECORD
    return _POST_QUANTUM if any(identity.is_post_quantum for identity in keys.identities) else None


def read_by_command(root: str, path: str, key: KeyChoice, env: Mapping[str, str], reason: Reason, *, pull: bool) -> bytes:
    """Has the command line read a secret for this program. Raises what it says, or the reason's error where it is not installed."""
    import shutil
    import subprocess

    program = shutil.which(_PROGRAM, path=env.get("PATH"))
    if program is None:
        raise reason.error()
    words = [program, "get", "--json", "--for-program", "-C", os.path.dirname(root)]
    if not pull:
        words.append("--no-pull")
    environment = dict(env)
    if key.text is not None:
        # Arguments are seen by other processes.
        environment["AGENT_VAULT_KEY"] = key.text
    elif key.file is not None:
        words += ["--key", key.file]
    outcome = subprocess.run([*words, path], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    for warning in _warnings(outcome.stderr):
        warn(warning)
    return _answer(outcome.stdout, reason)


def _answer(output: bytes, reason: Reason) -> bytes:
    try:
        answer: Any = json.loads(output)
        if "error" in answer:
            told = answer["error"]
            raise error(str(told["code"]), str(told["message"]), told.get("remedy"))
        value = str(answer["value"])
        return base64.b64decode(value, validate=True) if answer["encoding"] == "base64" else value.encode("utf-8")
    except (ValueError, KeyError, TypeError, AttributeError):
        # What was said may be a value, so it is not repeated.
        raise error(
            reason.code,
            f"{reason.message.partition(':')[0].rstrip('.')}: the agent-vault on the PATH gave no answer that makes sense.",
            "See that it is version 0.2 or later: agent-vault --version.",
        ) from None


def _warnings(output: bytes) -> list[str]:
    """What the command line said beside its answer, a sentence each."""
    text = output.decode("utf-8", "replace")
    return [part.strip() for part in re.split(r"^warning: ", text, flags=re.MULTILINE) if part.strip()]
