"""Asks a remote."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import git_failed
from .remote_process import RemoteRun, run_with_remote
from .repository import GitRepository
from .run_git import NO_HOOKS, SAFE_CONFIGURATION


def ask_remote(repository: GitRepository, args: Sequence[str]) -> RemoteRun:
    """Runs a command that talks to a remote, without asking for a password and without hooks. Raises `GIT_FAILED`."""
    env = repository.env
    has_own_ssh = env.get("GIT_SSH_COMMAND") or env.get("GIT_SSH") or repository.try_run(["config", "--get", "core.sshCommand"])
    environment = env if has_own_ssh else {**env, "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    run = run_with_remote(repository.work_tree, environment, ["git", *SAFE_CONFIGURATION, *NO_HOOKS, *args], args)
    if run.exit == 0:
        return run
    raise git_failed(args, run.stderr or f"exit code {run.exit}".encode())
