"""What programs written for agent-vault 0.1 rely on: a vault that the command line makes as 0.1 documents it, and the package reads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from scene import Scene, git

from agent_vault import NotAuthorizedError, SecretNotFoundError, Vault, VaultNotFoundError

Run = Callable[..., str]


@pytest.fixture
def run(command_line: Path, machine: Path) -> Run:
    """Runs the command line in the folder of a vault with one secret, which the agent test-bot was granted."""
    (machine / "home" / ".agent-vault").chmod(0o700)
    repository = machine / "repo"
    repository.mkdir()
    git(machine, "init", "--quiet", str(repository))

    def run(*words: str) -> str:
        return subprocess.run([str(command_line), *words], cwd=repository, capture_output=True, text=True, check=True).stdout

    run("init")
    run("add-agent", "test-bot")
    run("set", "stripe/api-key", "sk_test_123")
    run("grant", "test-bot", "stripe")
    return run


def test_reads_with_each_way_to_give_a_key(run: Run, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, keys = machine / "repo", machine / "home" / ".agent-vault"
    agent = keys / "agents" / "test-bot.key"
    for vault in (
        Vault(repo_path=repository, key_path=keys / "owner.key", auto_pull=False),
        Vault(repo_path=repository, key_path=agent, auto_pull=False),
        Vault(repo_path=str(repository), key_str=agent.read_text(), auto_pull=False),
        Vault(repo_path=repository),
    ):
        assert vault.get("stripe/api-key") == "sk_test_123"
        with pytest.raises(SecretNotFoundError):
            vault.get("nope/missing")
    run("add-agent", "no-access-bot")
    with pytest.raises(NotAuthorizedError):
        Vault(repo_path=repository, key_path=keys / "agents" / "no-access-bot.key", auto_pull=False).get("stripe/api-key")
    monkeypatch.setenv("AGENT_VAULT_KEY", agent.read_text())
    monkeypatch.setenv("AGENT_VAULT_HOME", str(machine / "elsewhere"))
    assert Vault(repo_path=repository, auto_pull=False).get("stripe/api-key") == "sk_test_123"


def test_fails_in_the_constructor_without_a_vault_and_without_a_key(first: Scene, machine: Path) -> None:
    with pytest.raises(VaultNotFoundError):
        Vault(repo_path=machine, key_str="AGE-SECRET-KEY-1FAKE")
    with pytest.raises(VaultNotFoundError, match="No key"):
        Vault(repo_path=first.repository)


def test_lists_rows_with_their_fields_and_prints_their_json(run: Run, machine: Path) -> None:
    run("set", "postgres/conn", "postgres://localhost", "--group", "postgres")
    vault = Vault(repo_path=machine / "repo", auto_pull=False)
    assert [secret.name for secret in vault.list_secrets()] == ["postgres/conn", "stripe/api-key"]
    (row,) = vault.list_secrets(group="stripe")
    assert (row.name, row.group, row.expires, row.authorized_agents) == ("stripe/api-key", "stripe", None, ["test-bot"])
    assert isinstance(row.created, datetime)
    assert isinstance(row.rotated, datetime)
    assert vault.list_agents() == [{"name": "test-bot", "groups": ["stripe"]}]
    assert [(agent["name"], agent["groups"]) for agent in json.loads(run("list-agents", "--json"))] == [("test-bot", ["stripe"])]
    assert json.loads(run("check", "--json"))["errors"] == []
