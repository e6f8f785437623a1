"""What is read from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping


def home_folder(env: Mapping[str, str]) -> str:
    """The folder of keys and of the trust store: `AGENT_VAULT_HOME`, else `~/.agent-vault`."""
    return env.get("AGENT_VAULT_HOME") or os.path.join(_user_home(env), ".agent-vault")


def resolve_path(path: str, env: Mapping[str, str]) -> str:
    """An absolute path. A leading `~` is the home folder, as in a shell."""
    return os.path.abspath(re.sub(r"^~(?=[/\\]|\Z)", lambda _: _user_home(env), path))


def is_strict(env: Mapping[str, str]) -> bool:
    """Whether warnings about trust are errors: `AGENT_VAULT_STRICT` if it is set, else `CI`."""

    def is_set(name: str) -> bool:
        return env.get(name, "").lower() in ("1", "true")

    return is_set("AGENT_VAULT_STRICT") if "AGENT_VAULT_STRICT" in env else is_set("CI")


def is_audit_off(env: Mapping[str, str]) -> bool:
    return env.get("AGENT_VAULT_AUDIT", "").lower() == "off"


def presented_token(env: Mapping[str, str]) -> str | None:
    """`AGENT_VAULT_TOKEN`. An empty token is an invalid one, and not none: it must not open more than a valid token would."""
    return env.get("AGENT_VAULT_TOKEN")


def _user_home(env: Mapping[str, str]) -> str:
    return env.get("HOME") or os.path.expanduser("~")
