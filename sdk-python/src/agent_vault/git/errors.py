"""What can go wrong with git."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ..errors import VaultError
from ..text.printable import printable

#: `locked_ref`: another process updates the same ref.
GitErrorKind = Literal["missing", "not_a_repository", "locked_ref", "timed_out", "other"]

#: The messages that are recognized, and only here. environment.py has git write them in English.
_MESSAGES: tuple[tuple[GitErrorKind, str], ...] = (("not_a_repository", "not a git repository"), ("locked_ref", "cannot lock ref"))
_PROGRESS = re.compile(r"(?:remote: )?(?:[A-Z][a-z]+ [a-z]+: +\d|Total \d)")
_MAX_LINES = 3


class GitError(VaultError):
    """`GIT_MISSING` or `GIT_FAILED`; `kind` is what a caller acts on."""

    def __init__(self, code: str, message: str, remedy: str | None = None, kind: GitErrorKind = "other") -> None:
        super().__init__(code, message, remedy)
        self.kind = kind


def git_missing() -> GitError:
    return GitError("GIT_MISSING", "git was not found.", "Install git, or add its folder to PATH.", "missing")


def git_timed_out(command: str) -> GitError:
    return GitError("GIT_FAILED", f"git {command} was stopped, because the remote did not answer in time.", "Try again later.", "timed_out")


def git_failed(args: Sequence[str], stderr: bytes) -> GitError:
    """The error of a git command, with the first lines that git printed on its error stream."""
    lines = [re.sub(r"^(?:fatal|error): ", "", line).strip() for line in re.split(r"[\r\n]+", stderr.decode("utf-8", "replace"))]
    told = [printable(line) for line in lines if line and not line.startswith("hint:") and not _PROGRESS.match(line)]
    command = next((arg for arg in args if not arg.startswith("-") and "=" not in arg), "")
    text = " ".join(told[:_MAX_LINES])
    # The other side chooses its own words.
    own = " ".join(line for line in told if not line.startswith("remote:"))
    kind: GitErrorKind = next((kind for kind, message in _MESSAGES if message in own), "other")
    return GitError(
        "GIT_FAILED",
        f"git {command} failed{': ' if text else ''}{text.rstrip('.')}.",
        "Fix the problem git reports above, then try again. Nothing was changed.",
        kind,
    )
