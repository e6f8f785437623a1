"""Runs git commands that talk to a remote."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import git_missing, git_timed_out, too_much_output

#: How long a remote may be silent.
REMOTE_SILENCE_TIMEOUT_S = 15.0
#: How long a command may take.
REMOTE_TIMEOUT_S = 300.0
#: How often a silent git is checked for having ended.
_POLL_INTERVAL_S = 0.1
#: As much of what git says as can matter.
_MAX_STDERR_BYTES = 16_384
#: More than the list of 200,000 refs.
_MAX_STDOUT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class RemoteRun:
    """What a command printed that ended well: all of its output, and the end of what it said."""

    exit: int
    stdout: bytes
    stderr: bytes


def run_with_remote(
    folder: str,
    env: Mapping[str, str],
    command: Sequence[str],
    args: Sequence[str] = (),
    *,
    stdin: bytes = b"",
    max_bytes: int | None = None,
) -> RemoteRun:
    """
    Runs a git command that talks to a remote and reports its progress on the error stream. `args` are git's own, for an error.

    A remote that sends more than `max_bytes` is given up.

    git starts other programs for that, which can outlive it. All of them form one process group, which is ended when a time limit is
    exceeded or this process is interrupted. Raises `GIT_MISSING`, `GIT_FAILED` where it does not end.
    """
    is_group = os.name == "posix"
    given = tempfile.TemporaryFile()  # noqa: SIM115 -- git has it for as long as it runs
    given.write(stdin)
    given.seek(0)
    try:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=is_group,
        )
    except FileNotFoundError:
        raise git_missing() from None
    finally:
        given.close()
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        output = _read(child, args, max_bytes) if sys.platform != "win32" else child.communicate(timeout=REMOTE_TIMEOUT_S)
        if output is not None:
            return RemoteRun(child.wait(REMOTE_SILENCE_TIMEOUT_S), *output)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if child.poll() is None:
            _terminate(child, is_group)
        child.stdout.close()
        child.stderr.close()
    raise git_timed_out(args)


def _read(child: subprocess.Popen[bytes], args: Sequence[str], max_bytes: int | None) -> tuple[bytes, bytes] | None:
    """What git prints until it ends, or `None` if it takes too long."""
    assert child.stdout is not None
    assert child.stderr is not None
    stdout, stderr = b"", b""
    started = heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        selector.register(child.stderr, selectors.EVENT_READ)
        while True:
            ready = selector.select(_POLL_INTERVAL_S)
            for key, _ in ready:
                part = os.read(key.fd, 65536)
                heard = time.monotonic()
                if not part:
                    selector.unregister(key.fileobj)
                elif key.fileobj is child.stdout:
                    stdout += part
                else:
                    stderr = (stderr + part)[-_MAX_STDERR_BYTES:]
            if len(stdout) > _MAX_STDOUT_BYTES or (max_bytes is not None and _received_bytes(stderr) > max_bytes):
                _terminate(child, os.name == "posix")
                raise too_much_output(args)
            # A program that git leaves running, such as its maintenance, may keep the streams open.
            if not selector.get_map() or (not ready and child.poll() is not None):
                return stdout, stderr
            if time.monotonic() - heard > REMOTE_SILENCE_TIMEOUT_S or time.monotonic() - started > REMOTE_TIMEOUT_S:
                return None


def _received_bytes(stderr: bytes) -> float:
    """How much has come by the last line of progress, such as `Receiving objects:  50% (1/2), 1.20 MiB | 3.00 MiB/s`."""
    said = re.findall(rb"^Receiving objects:[^\r\n]*?, ([0-9.]+) (bytes|KiB|MiB|GiB)\b", stderr, re.MULTILINE)
    return float(said[-1][0]) * 1024 ** [b"bytes", b"KiB", b"MiB", b"GiB"].index(said[-1][1]) if said else 0


def _terminate(child: subprocess.Popen[bytes], is_group: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        if is_group:
            os.killpg(child.pid, signal.SIGTERM)
        else:
            child.terminate()
    child.wait()
