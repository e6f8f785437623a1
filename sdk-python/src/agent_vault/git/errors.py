"""What can go wrong with git."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ..errors import VaultError
from ..text.printable import printable

#: Why git failed, as far as a caller acts on it. `locked_ref`: another process updates the same ref. `cut_short`: the remote began to send
#: objects, and did not end.
GitErrorKind = Literal[
    "missing",
    "disk_full",
    "lock_held",
    "unwritable",
    "locked_ref",
    "no_such_ref",
    "not_a_repository",
    "timed_out",
    "cut_short",
    "too_much_output",
    "other",
]

#: The messages that are recognized, here and nowhere else, in the order of their weight. environment.py has git write them in English.
_MESSAGES: tuple[tuple[GitErrorKind, re.Pattern[str]], ...] = (
    ("disk_full", re.compile("No space left on device|Disk quota exceeded|Out of diskspace", re.IGNORECASE)),
    ("lock_held", re.compile(r"\.lock': File exists")),
    ("other", re.compile(r"Permission denied \((?:publickey|password|keyboard|gssapi|hostbased)|Permission denied, please try again")),
    ("unwritable", re.compile("Permission denied|Read-only file system|insufficient permission", re.IGNORECASE)),
    ("locked_ref", re.compile("cannot lock ref")),
    ("no_such_ref", re.compile("couldn't find remote ref")),
    ("not_a_repository", re.compile("not a git repository")),
    (
        "cut_short",
        re.compile(
            "early EOF|unexpected disconnect while reading|invalid index-pack output"
            "|(?:index-pack|unpack-objects|pack-objects) (?:failed|died)"
        ),
    ),
)
_CODES: dict[GitErrorKind, str] = {"disk_full": "DISK_FULL", "lock_held": "BUSY", "unwritable": "UNWRITABLE"}
#: git's lines that say how far it is and what went well.
_PROGRESS = re.compile(r"(?:remote: )?(?:[A-Z][a-z]+ [a-z]+: +\d|Total \d|From \S|POST git-|[*=+-] \[?\S.* -> |[0-9a-f]+\.\.[0-9a-f]+ )")
_MAX_LINES = 3


class GitError(VaultError):
    """A git command that failed; `kind` is what a caller acts on, `stderr` is all that git printed on its error stream."""

    def __init__(self, code: str, message: str, remedy: str | None = None, kind: GitErrorKind = "other", stderr: str = "") -> None:
        super().__init__(code, message, remedy)
        self.kind = kind
        self.stderr = stderr


def git_missing() -> GitError:
    return GitError("GIT_MISSING", "git was not found.", "Install git, or add its folder to PATH.", "missing")


def git_timed_out(args: Sequence[str]) -> GitError:
    message = f"git {_command_of(args)} was stopped, because the remote did not answer in time."
    return GitError("GIT_FAILED", message, "Try again later.", "timed_out")


def too_much_output(args: Sequence[str]) -> GitError:
    remedy = "See what is so large in the repository: git count-objects -vH."
    return GitError("GIT_FAILED", f"git {_command_of(args)} printed more than is read.", remedy, "too_much_output")


def no_such_ref(ref: str) -> GitError:
    return git_failed(["fetch"], f"fatal: couldn't find remote ref {ref}".encode())


def git_failed(args: Sequence[str], stderr: bytes) -> GitError:
    """The error of a git command, with the first lines that git printed on its error stream."""
    text = stderr.decode("utf-8", "replace")
    lines = [re.sub(r"^(?:fatal|error): ", "", line).strip() for line in re.split(r"[\r\n]+", text)]
    told = [printable(line) for line in lines if line and not line.startswith("hint:") and not _PROGRESS.match(line)]
    said = " ".join(told[:_MAX_LINES])
    # The other side chooses its own words.
    own = "\n".join(line for line in told if not line.startswith("remote:"))
    kind: GitErrorKind = next((kind for kind, message in _MESSAGES if message.search(own)), "other")
    return GitError(
        _CODES.get(kind, "GIT_FAILED"),
        f"git {_command_of(args)} failed{': ' if said else ''}{said.rstrip('.')}.",
        "Fix the problem git reports above, then try again. Nothing was changed.",
        kind,
        text,
    )


def _command_of(args: Sequence[str]) -> str:
    return next((arg for arg in args if not arg.startswith("-") and "=" not in arg), "")
