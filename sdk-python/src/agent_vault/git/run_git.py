"""Runs git."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from .errors import git_failed, git_missing, too_much_output

#: A folder of the work tree that looks like a bare repository may have been pushed, with a configuration that runs programs.
SAFE_CONFIGURATION = ("-c", "safe.bareRepository=explicit")
#: A hook may be a file of a commit that was just fetched, so none runs.
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")


def run_git(folder: str, env: Mapping[str, str], args: Sequence[str], stdin: bytes = b"", max_bytes: int | None = None) -> bytes:
    """
    The standard output of a git command. `env` is from `git_environment`.

    More than `max_bytes` of output end git. Raises `GIT_MISSING`, `GIT_FAILED`.
    """
    command = ["git", *SAFE_CONFIGURATION, *args]
    try:
        if max_bytes is not None:
            return _run_limited(command, folder, env, args, stdin, max_bytes)
        outcome = subprocess.run(command, cwd=folder, env=env, input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise git_missing() from None
    if outcome.returncode == 0:
        return outcome.stdout
    raise git_failed(args, outcome.stderr or f"exit code {outcome.returncode}".encode())


def _run_limited(command: Sequence[str], folder: str, env: Mapping[str, str], args: Sequence[str], stdin: bytes, max_bytes: int) -> bytes:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(stdin)
        given.seek(0)
        with subprocess.Popen(command, cwd=folder, env=env, stdin=given, stdout=subprocess.PIPE, stderr=said) as child:
            assert child.stdout is not None
            output = child.stdout.read(max_bytes + 1)
            if len(output) > max_bytes:
                child.kill()
        if len(output) > max_bytes:
            raise too_much_output(args)
        if child.returncode == 0:
            return output
        said.seek(0)
        raise git_failed(args, said.read(65536) or f"exit code {child.returncode}".encode())
