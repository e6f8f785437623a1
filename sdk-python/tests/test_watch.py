"""A watch tells of changes of a secret, and of nothing else."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from project import Project
from scene import SIGNERS, Scene, lay

from agent_vault import AgentVaultWarning, SecretChange, SecretNotFoundError, Vault, VaultError, VerificationError
from agent_vault.sync import fetch_states

TIMEOUT_S = 60


def ignore(failure: VaultError) -> None:
    """Where a vault is laid over another one file by file, two looks in a row may see half of that."""


class Changes:
    """What a watch calls back, one by one."""

    def __init__(self) -> None:
        self._queue: queue.Queue[object] = queue.Queue()

    def __call__(self, change: object) -> None:
        self._queue.put(change)

    def next(self) -> object:
        return self._queue.get(timeout=TIMEOUT_S)

    def none_left(self) -> bool:
        return self._queue.empty()


@pytest.mark.usefixtures("command_line")
def test_tells_of_new_values_and_of_access_that_comes_and_goes_and_of_nothing_else(machine: Path) -> None:
    project = Project.make(machine)
    changes = Changes()
    with Vault(project.repository, project.bot_key, auto_pull=False) as vault:
        vault.watch("stripe/api-key", changes, interval_s=0.01)
        project.set("two")
        assert changes.next() == SecretChange("stripe/api-key", "value")
        assert vault.get("stripe/api-key") == "two"
        project.change("revoke", "bot", "stripe")
        assert changes.next() == SecretChange("stripe/api-key", "revoked")
        project.change("grant", "bot", "stripe")
        assert changes.next() == SecretChange("stripe/api-key", "granted")
        project.change("delete", "stripe/api-key")
        assert changes.next() == SecretChange("stripe/api-key", "deleted")
    assert changes.none_left()


def test_asks_the_remote_as_reads_do(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}, "env": {"AGENT_VAULT_OWNER": "@owner"}})
    os.environ.update(scene.env)
    changes = Changes()
    with Vault(scene.repository, scene.key_path) as vault, vault.watch("stripe/api-key", changes, interval_s=0.01):
        scene.push("second", [])
        scene.fetch_again()
        assert changes.next() == SecretChange("stripe/api-key", "value")
        assert vault.get("stripe/api-key") == "sk_test_second"


def test_says_once_that_the_vault_is_not_what_its_owner_signed_and_goes_on_when_it_is_again(first: Scene) -> None:
    changes, errors = Changes(), Changes()
    root = first.repository / ".agent-vault"
    file = root / "secrets" / "stripe" / "api-key.enc"
    signed = file.read_bytes()
    with Vault(first.repository, first.key_path).watch("stripe/api-key", changes, interval_s=0.01, on_error=errors):
        file.write_bytes(b"another owner's")
        assert isinstance(errors.next(), VerificationError)
        file.write_bytes(signed)
        assert errors.none_left()
        lay(root, "second", [])
        assert changes.next() == SecretChange("stripe/api-key", "value")
    assert changes.none_left()


@pytest.mark.filterwarnings("always::agent_vault.AgentVaultWarning")
def test_without_on_error_a_failure_is_a_warning(first: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    categories, messages = Changes(), Changes()

    def take(message: str, category: type[Warning], stacklevel: int) -> None:
        categories(category)
        messages(message)

    monkeypatch.setattr("warnings.warn", take)
    with Vault(first.repository, first.key_path).watch("stripe/api-key", print, interval_s=0.01):
        (first.repository / ".agent-vault" / "secrets" / "stripe" / "api-key.enc").write_bytes(b"another owner's")
        assert categories.next() is AgentVaultWarning
        assert "stripe/api-key cannot be watched for now" in str(messages.next())


def test_what_a_callback_raises_is_the_programs_and_the_watch_goes_on(first: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, raised = Changes(), Changes()
    monkeypatch.setattr(threading, "excepthook", lambda found: raised(found.exc_type))

    def callback(change: SecretChange) -> None:
        seen(change)
        raise KeyError(change.path)

    root = first.repository / ".agent-vault"
    with Vault(first.repository, first.key_path).watch("stripe/api-key", callback, interval_s=0.01, on_error=ignore):
        lay(root, "second", [])
        assert (seen.next(), raised.next()) == (SecretChange("stripe/api-key", "value"), KeyError)
        (root / "secrets" / "stripe" / "api-key.enc").write_bytes(b"another owner's")
        lay(root, "second", [])
        assert seen.none_left()


def test_ends_by_itself_or_with_its_vault_and_then_calls_nobody(first: Scene) -> None:
    vault, other = (Vault(first.repository, first.key_path) for _ in range(2))
    ended, with_vault, still = Changes(), Changes(), Changes()
    by_itself = vault.watch("stripe/api-key", ended, interval_s=0.01)
    by_vault = other.watch("stripe/api-key", with_vault, interval_s=0.01)
    by_itself.close()
    other.close()
    assert (by_itself.closed, by_vault.closed) == (True, True)
    with vault.watch("stripe/api-key", still, interval_s=0.01, on_error=ignore):
        lay(first.repository / ".agent-vault", "second", [])
        still.next()
    assert ended.none_left()
    assert with_vault.none_left()
    with pytest.raises(VaultError, match="closed"):
        other.watch("stripe/api-key", ended)


@pytest.mark.parametrize("persistent", [True, False])
def test_keeps_the_process_alive_or_does_not_as_asked(first: Scene, persistent: bool) -> None:
    program = f"""
import sys, threading, time
from agent_vault import Vault
watch = Vault(sys.argv[1], sys.argv[2]).watch("stripe/api-key", print, interval_s=0.01, persistent={persistent})
def end():
    time.sleep(0.1)
    print("still here", flush=True)
    watch.close()
threading.Thread(target=end, daemon=True).start()
"""
    words = [sys.executable, "-c", program, str(first.repository), str(first.key_path)]
    outcome = subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, "AGENT_VAULT_OWNER": SIGNERS["owner"]})
    assert outcome.stdout == ("still here\n" if persistent else "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_while_a_watch_fetches_waits_for_no_thread_of_its_parent(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    vault = Vault(scene.repository, scene.key_path)
    os.environ["AGENT_VAULT_OWNER"] = SIGNERS["owner"]
    vault.get("token")
    with fetch_states._turns[str(scene.repository / ".agent-vault")]:
        child = os.fork()
        if child == 0:
            os._exit(0 if vault.get("token") == "of the default group" else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_refuses_what_it_cannot_watch(first: Scene) -> None:
    vault = Vault(first.repository, first.key_path)
    with pytest.raises(SecretNotFoundError):
        vault.watch("stripe/none", print)
    with pytest.raises(VaultError) as caught:
        vault.watch("../x", print)
    assert caught.value.code == "INVALID_NAME"
    wrong_words: list[dict[str, object]] = [{"callback": None}, {"path": 7}, {"persistent": 1}, {"on_error": 7}]
    wrong_words += [{"interval_s": number} for number in (0, -1, float("nan"), float("inf"), True, "1")]
    for wrong in wrong_words:
        with pytest.raises(VaultError) as caught:
            vault.watch(**{"path": "stripe/api-key", "callback": print, **wrong})  # type: ignore[arg-type]
        assert caught.value.code == "USAGE"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("agent-vault watch")]
