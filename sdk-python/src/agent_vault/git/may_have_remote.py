"""Whether a repository has a remote, without running git."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ..context import user_home

#: Sections by which a branch may come to have a remote, in any spelling that git accepts: by themselves, or by naming another file.
_REMOTE_SECTION = re.compile(rb"\[\s*(?:remote|branch|include|includeif|extensions)\b", re.IGNORECASE)
_REMOTE_SETTING = re.compile(r"\b(?:remote|branch|include|includeif)\.", re.IGNORECASE)
_COMMAND_SETTING = re.compile(r"GIT_CONFIG_(?:KEY_\d+|PARAMETERS)")


def may_have_remote(folder: str, env: Mapping[str, str]) -> bool:
    """Whether the repository that contains `folder` may have a remote, by git's configuration. Most reads need nothing else of git."""
    while True:
        git = os.path.join(folder, ".git")
        if os.path.isdir(git) and not os.path.islink(git):
            own = _read(os.path.join(git, "config"))
            # git will say what is wrong.
            return own is None or _names_remote(own) or _is_set_elsewhere(env)
        if os.path.lexists(git):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


def _is_set_elsewhere(env: Mapping[str, str]) -> bool:
    if any(_COMMAND_SETTING.fullmatch(name) and _REMOTE_SETTING.search(value) for name, value in env.items()):
        return True
    return any(_names_remote(_read(file) or b"") for file in _personal_configs(env))


def _personal_configs(env: Mapping[str, str]) -> list[str]:
    """The configuration files other than the repository's own."""
    system = [] if "GIT_CONFIG_NOSYSTEM" in env else [env.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig")]
    if "GIT_CONFIG_GLOBAL" in env:
        return [*system, env["GIT_CONFIG_GLOBAL"]]
    home = user_home(env)
    config_home = env.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    return [*system, os.path.join(home, ".gitconfig"), os.path.join(config_home, "git", "config")]


def _names_remote(config: bytes) -> bool:
    return _REMOTE_SECTION.search(config) is not None


def _read(file: str) -> bytes | None:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except (OSError, ValueError):
        return None
