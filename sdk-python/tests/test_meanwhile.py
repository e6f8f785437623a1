"""What others do to a vault or a remote while it is read."""

from __future__ import annotations

import os
import select
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import FIXTURES, Scene

from agent_vault import Vault, VaultError
from agent_vault.disk import write_lock
from agent_vault.git import remote_process


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_look_at_a_half_finished_pull_is_taken_again(machine: Path, monkeypatch: pytest.MonkeyPatch, is_finished: bool) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    (scene.repository / ".git" / "agent-vault").mkdir()
    file = scene.repository / ".agent-vault" / "secrets" / "stripe" / "api-key.enc"
    signed = file.read_bytes()
    file.write_bytes(b"of a state whose lock is not there yet")

    def wait(folder: str) -> bool:
        assert folder == str(scene.repository / ".git" / "agent-vault")
        if is_finished:
            file.write_bytes(signed)
        return is_finished

    monkeypatch.setattr(write_lock, "wait_for_others", wait)
    vault = Vault(scene.repository, scene.key_path, auto_pull=False)
    if is_finished:
        assert vault.get("stripe/api-key") == "sk_test_first"
        return
    with pytest.raises(VaultError) as caught:
        vault.get("stripe/api-key")
    assert caught.value.code == "TAMPERED"


@pytest.mark.parametrize("call", [lambda vault: vault.get("token"), Vault.list_secrets, Vault.list_agents, Vault.reload, Vault.pull])
def test_every_method_waits_for_a_writer_between_lock_and_signature(
    machine: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[[Vault], object]
) -> None:
    scene = Scene(machine, {"history": ["first", "second"], "key": {"file": "bot.key"}})
    (scene.repository / ".git" / "agent-vault").mkdir()
    signature = scene.repository / ".agent-vault" / "vault.lock.sig"
    new = signature.read_bytes()
    signature.write_bytes((FIXTURES / "vaults" / "first" / "vault.lock.sig").read_bytes())
    monkeypatch.setattr(write_lock, "wait_for_others", lambda _: bool(signature.write_bytes(new)))
    call(Vault(scene.repository, scene.key_path, auto_pull=False))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_a_program_that_git_leaves_behind_keeps_nobody_waiting(machine: Path) -> None:
    started = time.monotonic()
    remote_process.run_with_remote(str(machine), dict(os.environ), ["sh", "-c", "sleep 5 & exit 0"])
    assert time.monotonic() - started < 4


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_a_remote_that_says_nothing_is_given_up_with_all_its_programs(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_process, "REMOTE_SILENCE_TIMEOUT_S", 0.1)
    pipe = machine / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(VaultError, match="did not answer"):
        remote_process.run_with_remote(str(machine), dict(os.environ), ["sh", "-c", f"sleep 60 > {shlex.quote(str(pipe))} & wait"])
    # The pipe ends with the last program that has it open.
    assert select.select([reader], [], [], 10)[0]
    assert os.read(reader, 1) == b""
    os.close(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_what_a_remote_prints_and_says_is_told_apart(machine: Path) -> None:
    run = remote_process.run_with_remote(str(machine), dict(os.environ), ["sh", "-c", "echo list; echo 'fatal: no' >&2; exit 3"])
    assert (run.exit, run.stdout, run.stderr) == (3, b"list\n", b"fatal: no\n")
