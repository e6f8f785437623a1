"""Asks a remote."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import git_failed
from .remote_process import RemoteRun, run_with_remote
from .repository import GitRepository
from .run_git import NO_HOOKS, SAFE_CONFIGURATION


def ask_remote(repository: GitRepository, args: Sequence[str], stdin: bytes = b"", max_bytes: int | None = None) -> RemoteRun:
    """
    Runs a command that talks to a remote, without asking for a password and without hooks. Raises `GIT_FAILED`.

    More than `max_bytes` of objects, by what git says of its progress, end it.
    """
    env = repository.env
    has_own_ssh = env.get("GIT_SSH_COMMAND") or env.get("GIT_SSH") or repository.try_run(["config", "--get", "core.sshCommand"])
    environment = {**({} if has_own_ssh else {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}), **env, **repository.remote_env}
    command = ["git", *SAFE_CONFIGURATION, *NO_HOOKS, *args]
    run = run_with_remote(repository.work_tree, environment, command, args, stdin=stdin, max_bytes=max_bytes)
    if run.exit == 0:
        return run
    raise git_failed(args, run.stderr or f"exit code {run.exit}".encode())
