"""What this package cannot authorize is read by the command line, or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import install
from scene import Scene, key_file

from agent_vault import AgentVaultWarning, Vault, VaultError
from agent_vault.reading import read_secret as reading

REASONS = {
    "TOKEN_DENIED": {"AGENT_VAULT_TOKEN": "avt_1"},
}


@pytest.fixture
def policy(machine: Path) -> Scene:
    return Scene(machine, {"vault": "policy", "key": {"file": "bot.key"}})


@pytest.fixture
def nothing_is_decrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    def decrypt(*_: object) -> bytes:
        raise AssertionError("decrypted")

    monkeypatch.setattr(reading, "decrypt", decrypt)


@pytest.mark.usefixtures("nothing_is_decrypted")
@pytest.mark.parametrize(("code", "env"), REASONS.items(), ids=REASONS)
def test_without_the_command_line_nothing_is_read(first: Scene, monkeypatch: pytest.MonkeyPatch, code: str, env: dict[str, str]) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(VaultError) as caught:
        Vault(first.repository, first.key_path).get("token")
    assert caught.value.code == code
    assert "PATH" in str(caught.value)


@pytest.mark.usefixtures("nothing_is_decrypted")
def test_an_empty_token_is_a_token(first: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_VAULT_TOKEN", "")
    with pytest.raises(VaultError, match="token was presented"):
        Vault(first.repository, first.key_path).get("token")


def test_lists_need_neither(policy: Scene) -> None:
    assert len(Vault(policy.repository, policy.key_path).list_secrets()) == 7


@pytest.mark.usefixtures("command_line")
def test_a_post_quantum_key_is_read_with_by_the_command_line(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = machine / "repository"
    repository.mkdir()
    for words, value in (
        (["git", "init", "--quiet"], None),
        (["agent-vault", "init", "--no-hook", "--post-quantum"], None),
        (["agent-vault", "set", "stripe/api-key"], b"sk_pq"),
    ):
        subprocess.run(words, cwd=repository, check=True, capture_output=True, input=value or b"")
    vault = Vault(repository)
    assert vault.get("stripe/api-key") == "sk_pq"
    # Its signing key is derived here as well as there.
    assert [secret.name for secret in vault.list_secrets()] == ["stripe/api-key"]
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(VaultError, match="post-quantum"):
        vault.get("stripe/api-key")


def test_a_key_is_in_no_argument(first: Scene, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = "{'encoding': 'utf-8', 'value': json.dumps([sys.argv[1:], os.environ.get('AGENT_VAULT_KEY')])}"
    script = f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps({answer}))\n"
    program = install(machine, script)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AGENT_VAULT_TOKEN", "avt_1")
    key = key_file("bot.key").read_text("utf-8")
    words, variable = json.loads(Vault(first.repository, key_str=key, auto_pull=False).get("token"))
    assert words == ["get", "--json", "--for-program", "-C", str(first.repository), "--no-pull", "default/token"]
    assert variable == key
    words, variable = json.loads(Vault(first.repository, first.key_path).get("token"))
    assert words == ["get", "--json", "--for-program", "-C", str(first.repository), "--key", first.key_path, "default/token"]
    assert variable is None


@pytest.mark.parametrize(
    "answer", ["sk_live_x", "", "[]", '{"value": "sk_live_x"}', '{"value": "sk_live_x", "encoding": "base64"}', '{"error": 1}']
)
def test_an_answer_that_cannot_be_read_is_not_quoted(first: Scene, machine: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    program = install(machine, f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AGENT_VAULT_TOKEN", "avt_1")
    with pytest.raises(VaultError, match="cannot be read") as caught:
        Vault(first.repository, first.key_path).get("token")
    assert caught.value.code == "TOKEN_DENIED"
    assert "sk_live" not in str(caught.value)


def test_what_the_command_line_warns_of_is_a_warning_here(first: Scene, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = '{"encoding":"utf-8","value":"x"}'
    program = install(machine, f"#!/bin/sh\necho 'warning: one thing' >&2\necho 'warning: and another' >&2\necho '{answer}'\n")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AGENT_VAULT_TOKEN", "avt_1")
    with pytest.warns(AgentVaultWarning) as caught:
        assert Vault(first.repository, first.key_path).get("token") == "x"
    assert [str(warning.message) for warning in caught] == ["one thing", "and another"]


def test_reads_without_a_record_leave_a_note_where_there_is_one(first: Scene) -> None:
    vault = Vault(first.repository, first.key_path)
    vault.get("token")
    assert not (first.home / "ledger").exists()
    identifier = first.memory_file.parent.name
    (first.home / "ledger").mkdir()
    (first.home / "ledger" / f"{identifier}.db").touch()
    vault.get("token")
    vault.get("deep/er/value")
    note = json.loads((first.home / "ledger" / f"{identifier}.unrecorded").read_text())
    assert note["count"] == 2
    assert note["since"] <= note["until"]
