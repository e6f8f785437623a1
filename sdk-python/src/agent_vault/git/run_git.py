"""Runs git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from .errors import git_failed, git_missing

#: A folder of the work tree that looks like a bare repository may have been pushed, with a configuration that runs programs.
SAFE_CONFIGURATION = ("-c", "safe.bareRepository=explicit")
#: A hook may be a file of the commit that was just pulled, so none runs.
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")


def run_git(folder: str, env: Mapping[str, str], args: Sequence[str], stdin: bytes = b"") -> bytes:
    """The standard output of a git command. `env` is from `git_environment`. Raises `GIT_MISSING`, `GIT_FAILED`."""
    command = ["git", *SAFE_CONFIGURATION, *args]
    try:
        outcome = subprocess.run(command, cwd=folder, env=env, input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise git_missing() from None
    if outcome.returncode == 0:
        return outcome.stdout
    raise git_failed(args, outcome.stderr or f"exit code {outcome.returncode}".encode())
