"""Python and Node at work on one machine: the same files, at the same time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import COMMAND_LINE
from scene import Scene, git

from agent_vault import Vault, VaultError
from agent_vault.disk import write_lock
from agent_vault.disk.process_alive import machine_id, process_start

PACKAGE = COMMAND_LINE.parents[2] / "vault" / "dist"
pytestmark = [
    pytest.mark.skipif(not shutil.which("node") or not PACKAGE.exists(), reason="there is no Node build to compare with"),
    # agent-vault 0.2.0 made the vaults, and the repositories do not reach back to the state that the key file names.
    pytest.mark.filterwarnings("ignore:Whether state:agent_vault.AgentVaultWarning"),
]


def node(program: str) -> str:
    return subprocess.run(["node", "--input-type=module", "-e", program], check=True, capture_output=True, text=True).stdout


@pytest.mark.usefixtures("command_line")
def test_both_remember_the_same_bytes(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    words = ["agent-vault", "get", "stripe/api-key", "--key", str(scene.key_path)]
    assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_first"
    file, trust = scene.memory_file, scene.home / "trust"
    by_python = {file.name: file.read_bytes() for file in trust.rglob("*") if file.is_file()}
    assert f'"{scene.remote.resolve()}"'.encode() in by_python["memory.json"]
    assert len(by_python) == 3
    scene.fetch_again()
    subprocess.run(words, cwd=scene.repository, check=True, capture_output=True)
    assert file.read_bytes() == by_python["memory.json"]
    shutil.rmtree(trust)
    scene.fetch_again()
    subprocess.run(words, cwd=scene.repository, check=True, capture_output=True)
    by_node = {file.name: file.read_bytes() for file in trust.rglob("*") if file.is_file()}
    assert by_node == by_python
    scene.fetch_again()
    assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_first"
    assert file.read_bytes() == by_node["memory.json"]


@pytest.mark.usefixtures("command_line")
def test_what_the_one_fetched_the_other_reads_without_asking(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    words = ["agent-vault", "get", "stripe/api-key", "--key", str(scene.key_path)]
    scene.push("second", [])
    assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_second"
    fetched = scene.repository / ".git" / "agent-vault" / "fetched.json"
    by_python = fetched.read_bytes()
    scene.remote.rename(machine / "gone.git")
    assert subprocess.run(words, cwd=scene.repository, check=True, capture_output=True).stdout == b"sk_test_second"
    assert fetched.read_bytes() == by_python
    (machine / "gone.git").rename(scene.remote)
    scene.fetch_again()
    subprocess.run(words, cwd=scene.repository, check=True, capture_output=True)
    by_node = fetched.read_bytes()
    times = {"triedAt": 0, "fetchedAt": 0}
    assert {**json.loads(by_node), **times} == {**json.loads(by_python), **times}
    scene.remote.rename(machine / "gone.git")
    assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_second"
    assert fetched.read_bytes() == by_node


@pytest.mark.usefixtures("command_line")
def test_what_the_one_has_seen_the_other_does_not_go_behind(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(machine, {"history": ["first", "second"], "key": {"file": "bot.key"}})
    words = ["agent-vault", "get", "stripe/api-key", "--key", str(scene.key_path)]
    assert subprocess.run(words, cwd=scene.repository, check=True, capture_output=True).stdout == b"sk_test_second"
    git(scene.repository, "remote", "remove", "origin")
    git(scene.repository, "reset", "--quiet", "--hard", "HEAD~1")
    monkeypatch.setenv("AGENT_VAULT_STRICT", "1")
    with pytest.raises(VaultError) as caught:
        Vault(scene.repository, scene.key_path, auto_pull=False).get("stripe/api-key")
    assert caught.value.code == "ROLLBACK"


@pytest.mark.usefixtures("command_line")
def test_many_readers_while_the_command_line_pulls(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    scene.push("second", [])
    program = "import sys; from agent_vault import Vault; print(Vault('.', sys.argv[1]).get('stripe/api-key'), end='')"
    pulling = subprocess.Popen(
        ["agent-vault", "sync", "--pull", "--key", str(scene.key_path)],
        cwd=scene.repository,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(scene.key_path)], cwd=scene.repository, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    answers = [reader.communicate() for reader in readers]
    pulling.wait()
    assert [reader.returncode for reader in readers] == [0] * 4, [said.decode()[-300:] for _, said in answers]
    assert {value for value, _ in answers} <= {b"sk_test_first", b"sk_test_second"}
    json.loads(scene.memory_file.read_bytes())
    assert not list((scene.home / "trust").rglob("*.agent-vault-*"))
    scene.fetch_again()
    assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_second"


def test_many_threads_share_one_vault(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    vault = Vault(scene.repository, scene.key_path)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(vault.get("stripe/api-key"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["sk_test_first"] * 8


def test_a_claim_of_the_one_keeps_the_other_waiting(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = machine / "claims"
    program = f"""
        import {{ withWriteLock }} from {json.dumps(str(PACKAGE / "disk" / "write-lock.js"))};
        import {{ readdirSync }} from "node:fs";
        import {{ processContext }} from {json.dumps(str(PACKAGE / "context.js"))};
        const folder = {json.dumps(str(folder))};
        const look = async () => console.log(readdirSync(folder).join());
        await withWriteLock(processContext(), folder, look, 50).catch((error) => console.log(error.code));
    """
    claim = node(program).strip().split(".")
    assert claim[:2] == ["claim", machine_id()]
    with write_lock.write_lock(str(folder)):
        assert node(program).strip() == "BUSY"
    assert os.listdir(folder) == []
    # Of the dead process nothing is left; a living one's claim counts.
    (folder / ".".join(claim)).touch()
    with write_lock.write_lock(str(folder)):
        assert len(os.listdir(folder)) == 1
    living = f"claim.{claim[1]}.{os.getppid()}.{process_start(os.getppid())}.aa"
    (folder / living).touch()
    monkeypatch.setattr(write_lock, "LOCK_TIMEOUT_S", 0.0)
    with pytest.raises(VaultError) as caught, write_lock.write_lock(str(folder)):
        pass
    assert caught.value.code == "BUSY"
