"""Reads a secret with the command line."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import error, warn
from ..keys.find_key import KeyChoice
from .authorize_read import Delegation

_PROGRAM = "agent-vault"


def read_with_command_line(place: str, path: str, key: KeyChoice, env: Mapping[str, str], delegation: Delegation, *, pull: bool) -> bytes:
    """
    The value of a secret of the vault in a folder, or of a repository's URL.

    Raises the error that the command line reports, or the delegation's if there is no command line.
    """
    import shutil
    import subprocess

    program = shutil.which(_PROGRAM, path=env.get("PATH"))
    if program is None:
        raise delegation.command_missing()
    argv = [program, "get", "--json", "--for-program", "-C", place]
    if not pull:
        argv.append("--no-pull")
    environment = dict(env)
    text = key.opened or key.text
    if text is not None:
        # Other processes can see arguments.
        environment["AGENT_VAULT_KEY"] = text
    elif key.file is not None:
        argv += ["--key", key.file]
    outcome = subprocess.run([*argv, path], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    for warning in _warnings(outcome.stderr):
        warn(warning)
    return _parse_answer(outcome.stdout, delegation)


def _parse_answer(output: bytes, delegation: Delegation) -> bytes:
    try:
        answer: Any = json.loads(output)
        if "error" in answer:
            failure = answer["error"]
            raise error(str(failure["code"]), str(failure["message"]), failure.get("remedy"))
        value = str(answer["value"])
        return base64.b64decode(value, validate=True) if answer["encoding"] == "base64" else value.encode("utf-8")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise delegation.command_failed() from None


def _warnings(stderr: bytes) -> list[str]:
    """The warnings that the command line printed; one can have several lines."""
    text = stderr.decode("utf-8", "replace")
    return [part.strip() for part in re.split(r"^warning: ", text, flags=re.MULTILINE) if part.strip()]
