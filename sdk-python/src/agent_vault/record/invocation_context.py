"""Where a program was started, as far as the machine tells. All of it can be forged by the one who starts it: hints, and not proofs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..git.git_folders import find_git_folders, read_text
from ..harness import detect_harness
from ..text.credentials import without_credentials

try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]

_SECTION = re.compile(r'[ \t]*\[(?:remote "([^"]*)")?', re.IGNORECASE | re.ASCII)
_URL = re.compile("[ \t]*url[ \t]*=([^\r\n\u2028\u2029]*)", re.IGNORECASE | re.ASCII)
_HEAD = re.compile("^ref: ([^\r\n\u2028\u2029]+)", re.MULTILINE)
_BRANCH = re.compile("refs/heads/([^\r\n\u2028\u2029]+)")
#: What JavaScript takes for white space.
WHITE_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)


@dataclass(frozen=True)
class InvocationContext:
    """`None` for what cannot be told."""

    #: The name of the system's user.
    user: str | None
    #: The coding agent that seems to have started this.
    harness: str | None
    folder: str
    #: The remote's URL without user name and password, else the folder of the work tree.
    repository: str | None
    #: The checked-out branch.
    branch: str | None


def invocation_context(root: str, env: Mapping[str, str]) -> InvocationContext:
    """Looks around without starting a program, as every use pays for it. `root` is the vault's folder."""
    git = find_git_folders(os.path.dirname(root))
    head = _HEAD.search(_text(os.path.join(git.git_dir, "HEAD"))) if git else None
    branch = _BRANCH.fullmatch(head[1]) if head else None
    return InvocationContext(
        user=_user(env),
        harness=detect_harness(env),
        folder=_working_folder(),
        repository=(_remote_url(_text(os.path.join(git.common_dir, "config"))) or git.work_tree) if git else None,
        branch=branch[1] if branch else None,
    )


def _remote_url(config: str) -> str | None:
    """The URL of `origin`, or of the first remote. Reads the file line by line, whatever is in it."""
    urls: dict[str, str] = {}
    remote: str | None = None
    for line in re.split("\r?\n", config):
        section = _SECTION.match(line)
        if section:
            remote = section[1]
        url = _URL.fullmatch(line)
        text = url[1].replace('"', "").strip(WHITE_SPACE) if url else ""
        if text and remote is not None:
            urls.setdefault(remote, text)
    found = urls.get("origin") or next(iter(urls.values()), None)
    return None if found is None else without_credentials(found)


def _text(file: str) -> str:
    return (read_text(file) or "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _working_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"


def _user(env: Mapping[str, str]) -> str | None:
    """A user of a container need not be in the system's list."""
    try:
        if pwd is not None:
            return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        pass
    return env.get("USER") or env.get("USERNAME") or None
