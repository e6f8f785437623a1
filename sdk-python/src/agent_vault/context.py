"""What is read from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from .errors import NO_HOME, error

try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]


def home_folder(env: Mapping[str, str]) -> str:
    """The folder of keys and of the trust store: `AGENT_VAULT_HOME`, else `~/.agent-vault`. Raises `USAGE` where it is relative."""
    folder = env.get("AGENT_VAULT_HOME") or os.path.join(user_home(env), ".agent-vault")
    if os.path.isabs(folder):
        return folder
    # It would be another folder in each that a program is run in, and keys would come into repositories.
    raise error(
        "USAGE",
        "AGENT_VAULT_HOME is not an absolute path.",
        "Set AGENT_VAULT_HOME to an absolute path, or unset it to use ~/.agent-vault.",
    )


def resolve_path(path: str, env: Mapping[str, str]) -> str:
    """An absolute path. A leading `~` is the home folder, as in a shell."""
    return os.path.abspath(re.sub(r"^~(?=[/\\]|\Z)", lambda _: user_home(env), path))


def is_strict(env: Mapping[str, str]) -> bool:
    """Whether warnings about trust are errors: `AGENT_VAULT_STRICT` if it is set, else `CI`."""

    def is_set(name: str) -> bool:
        return env.get(name, "").lower() in ("1", "true")

    return is_set("AGENT_VAULT_STRICT") if "AGENT_VAULT_STRICT" in env else is_set("CI")


def presented_token(env: Mapping[str, str]) -> str | None:
    """`AGENT_VAULT_TOKEN`. An empty token is an invalid one, and not none: it must not open more than a valid token would."""
    return env.get("AGENT_VAULT_TOKEN")


def user_home(env: Mapping[str, str]) -> str:
    """`HOME`, or what the system's list of users says where that is empty or relative; `NO_HOME` for a user who is not in that list."""
    home = env.get("HOME", "")
    if os.path.isabs(home):
        return home
    if pwd is None:
        return os.path.expanduser("~")
    try:
        listed = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return NO_HOME
    return listed if os.path.isabs(listed) else NO_HOME
