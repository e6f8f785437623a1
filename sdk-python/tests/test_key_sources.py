"""Where the key comes from: files, a program, and a passphrase for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyrage
import pytest
from scene import Scene, key_file

from agent_vault import Vault, VaultError, VaultNotFoundError
from agent_vault.keys.key_program import output_of

VALUE = "sk_test_first"
PASSPHRASE = "open sesame"


def _program(folder: Path, name: str, script: str) -> Path:
    """A program that notes its arguments and then does what `script` says."""
    file = folder / name
    file.write_text(f'#!/bin/sh\necho "$#:$*" >> "{folder}/{name}.args"\n{script}\n')
    file.chmod(0o755)
    return file


def _code(read: object) -> str:
    with pytest.raises(VaultError) as caught:
        read()  # type: ignore[operator]
    return caught.value.code


@pytest.fixture
def agents(first: Scene) -> Path:
    folder = first.home / "agents"
    folder.mkdir(exist_ok=True)
    return folder


def test_the_one_key_of_an_agent_is_used_without_an_owners(first: Scene, agents: Path) -> None:
    with pytest.raises(VaultNotFoundError, match="No key"):
        Vault(first.repository)
    shutil.copyfile(key_file("bot.key"), agents / "bot.key")
    (agents / "bot.key.retired-1").write_text("former")
    assert Vault(first.repository).get("stripe/api-key") == VALUE
    shutil.copyfile(key_file("bot.key"), agents / "other.key")
    assert _code(lambda: Vault(first.repository)) == "NO_KEY"
    (first.home / "owner.key").write_text("damaged")
    assert _code(lambda: Vault(first.repository).get("stripe/api-key")) == "INVALID_KEY"


def test_a_program_prints_the_key_without_a_shell(first: Scene, agents: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copyfile(key_file("bot.key"), agents / "damaged.key")
    print_key = _program(machine, "print key", f'env | grep AGENT_VAULT_ && exit 3\ncat "{key_file("bot.key")}"')
    monkeypatch.setenv("AGENT_VAULT_KEY_COMMAND", f"'{print_key}' '$(touch pwned)' ; touch pwned")
    vault = Vault(first.repository)
    assert [vault.get("stripe/api-key"), vault.get("stripe/api-key"), len(vault.list_agents())] == [VALUE, VALUE, 2]
    assert (machine / "print key.args").read_text() == "4:$(touch pwned) ; touch pwned\n"
    secret = key_file("bot.key").read_text().strip().splitlines()[-1]
    assert secret not in repr(vault) + str(vars(vault))
    vault.close()


@pytest.mark.parametrize(("script", "code"), [("exit 1", "NO_KEY"), ("true", "INVALID_KEY"), (None, "NO_KEY"), ("'", "USAGE")])
def test_a_program_that_fails_falls_back_to_no_other_key(
    first: Scene, agents: Path, machine: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, code: str
) -> None:
    shutil.copyfile(key_file("bot.key"), agents / "bot.key")
    command = "'unfinished" if script == "'" else str(machine / "missing") if script is None else str(_program(machine, "fail", script))
    monkeypatch.setenv("AGENT_VAULT_KEY_COMMAND", command)
    assert _code(lambda: Vault(first.repository).get("stripe/api-key")) == code


def test_a_program_is_given_up_after_its_time(machine: Path) -> None:
    slow = _program(machine, "slow", "sleep 30 & sleep 30")
    with pytest.raises(VaultError, match=r"within 0\.2 seconds"):
        output_of([str(slow)], os.environ, variable="X", code="NO_KEY", timeout_s=0.2)


@pytest.mark.parametrize("armored", [False, True])
def test_a_protected_key_is_opened_by_a_program_or_a_descriptor(
    first: Scene, machine: Path, monkeypatch: pytest.MonkeyPatch, armored: bool
) -> None:
    protected = machine / "protected.key"
    protected.write_bytes(pyrage.passphrase.encrypt(key_file("bot.key").read_bytes(), PASSPHRASE, armored))
    assert _code(lambda: Vault(first.repository, protected).get("token")) == "PASSPHRASE_REQUIRED"
    ask = _program(machine, "ask", f'echo "{PASSPHRASE}"; echo more')
    monkeypatch.setenv("AGENT_VAULT_ASKPASS", str(ask))
    vault = Vault(first.repository, protected)
    assert [vault.get("stripe/api-key"), vault.get("stripe/api-key")] == [VALUE, VALUE]
    assert (machine / "ask.args").read_text() == f"1:Passphrase for {protected}: \n"
    monkeypatch.setenv("AGENT_VAULT_ASKPASS", str(_program(machine, "wrong", "echo no")))
    assert _code(lambda: Vault(first.repository, protected).get("token")) == "WRONG_PASSPHRASE"
    (machine / "passphrase").write_text(f"{PASSPHRASE}\r\nmore")
    descriptor = os.open(machine / "passphrase", os.O_RDONLY)
    assert Vault(first.repository, protected, passphrase_fd=descriptor).get("stripe/api-key") == VALUE
    assert _code(lambda: Vault(first.repository, protected, passphrase_fd=descriptor)) == "USAGE"


def test_a_pull_without_a_repository_says_so(first: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(first.repository / ".git", ignore_errors=True)
    Vault(first.repository, first.key_path).pull()
    assert "Warning" in capsys.readouterr().err
