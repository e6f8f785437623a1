"""Fetches from a remote."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from .errors import git_failed, git_missing, git_timed_out
from .repository import GitRepository
from .run_git import NO_HOOKS, SAFE_CONFIGURATION

#: How long a remote may be silent.
REMOTE_SILENCE_TIMEOUT_S = 15.0
#: How long a fetch may take.
REMOTE_TIMEOUT_S = 300.0
#: How often a silent git is checked for having ended.
_POLL_INTERVAL_S = 0.1
_MAX_STDERR_BYTES = 16_384


def fetch(repository: GitRepository) -> None:
    """Fetches from the remote of the current branch, without asking for a password and without hooks. Raises `GIT_FAILED`."""
    env = repository.env
    has_own_ssh = env.get("GIT_SSH_COMMAND") or env.get("GIT_SSH") or repository.try_run(["config", "--get", "core.sshCommand"])
    args = [*SAFE_CONFIGURATION, *NO_HOOKS, "fetch", "--quiet", "--progress", "--no-recurse-submodules"]
    run_with_remote(repository.work_tree, env if has_own_ssh else {**env, "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}, ["git", *args])


def run_with_remote(folder: str, env: Mapping[str, str], command: Sequence[str]) -> None:
    """
    Runs a git command that talks to a remote and reports its progress on the error stream.

    git starts other programs for that, which can outlive it. All of them form one process group, which is ended when a time limit is
    exceeded or this process is interrupted. Raises `GIT_MISSING`, `GIT_FAILED`.
    """
    is_group = os.name == "posix"
    try:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=is_group,
        )
    except FileNotFoundError:
        raise git_missing() from None
    assert child.stderr is not None
    try:
        stderr = _read_stderr(child) if sys.platform != "win32" else child.communicate(timeout=REMOTE_TIMEOUT_S)[1]
        if stderr is not None and child.wait() == 0:
            return
    except subprocess.TimeoutExpired:
        stderr = None
    finally:
        if child.poll() is None:
            _terminate(child, is_group)
        child.stderr.close()
    if stderr is None:
        raise git_timed_out("fetch")
    raise git_failed(["fetch"], stderr)


def _read_stderr(child: subprocess.Popen[bytes]) -> bytes | None:
    """The end of what git prints on its error stream until it ends, or `None` if it takes too long."""
    assert child.stderr is not None
    stderr = b""
    started = heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stderr, selectors.EVENT_READ)
        while True:
            if selector.select(_POLL_INTERVAL_S):
                part = os.read(child.stderr.fileno(), 65536)
                if not part:
                    return stderr
                stderr = (stderr + part)[-_MAX_STDERR_BYTES:]
                heard = time.monotonic()
            # A program that git leaves running, such as its maintenance, may keep the error stream open.
            elif child.poll() is not None:
                return stderr
            elif time.monotonic() - heard > REMOTE_SILENCE_TIMEOUT_S:
                return None
            if time.monotonic() - started > REMOTE_TIMEOUT_S:
                return None


def _terminate(child: subprocess.Popen[bytes], is_group: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        if is_group:
            os.killpg(child.pid, signal.SIGTERM)
        else:
            child.terminate()
    child.wait()
