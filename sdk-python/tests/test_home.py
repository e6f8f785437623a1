"""Where keys and the memory of a vault lie, and what happens where there is no such place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import Scene, key_file

from agent_vault import AgentVaultWarning, Vault, VaultError, VaultNotFoundError, VerificationError
from agent_vault import context as agent_vault_context

KEY = key_file("bot.key").read_text("utf-8")


@pytest.mark.usefixtures("homeless")
def test_without_a_home_a_given_key_reads_and_nothing_is_remembered(first: Scene) -> None:
    with pytest.warns(AgentVaultWarning, match="no home folder"):
        assert Vault(first.repository, key_str=KEY).get("token") == "of the default group"


@pytest.mark.usefixtures("homeless")
def test_without_a_home_there_is_no_owners_key(first: Scene) -> None:
    with pytest.raises(VaultNotFoundError) as caught:
        Vault(first.repository).get("token")
    assert caught.value.code == "NO_KEY"
    assert "AGENT_VAULT_HOME" in (caught.value.remedy or "")


@pytest.mark.parametrize("home", ["", "relative"])
def test_a_home_that_is_no_absolute_path_is_not_taken(first: Scene, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.chdir(first.repository)
    monkeypatch.delenv("AGENT_VAULT_HOME")
    monkeypatch.setenv("HOME", home)
    assert os.path.isabs(agent_vault_context.home_folder(os.environ))


def test_a_relative_agent_vault_home_is_refused(first: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_VAULT_HOME", "keys")
    with pytest.raises(VaultError, match="AGENT_VAULT_HOME") as caught:
        Vault(first.repository, key_str=KEY).get("token")
    assert caught.value.code == "USAGE"


@pytest.mark.parametrize(
    "put",
    [
        pytest.param(lambda file: file.write_text('{"version": 1,'), id="damaged"),
        pytest.param(lambda file: file.mkdir(), id="a folder"),
        # Permissions do not bind root; a link to itself cannot be read by anyone.
        pytest.param(lambda file: file.symlink_to(file), id="unreadable"),
    ],
)
def test_a_memory_that_cannot_be_read_is_an_error(first: Scene, put: Callable[[Path], None]) -> None:
    Vault(first.repository, key_str=KEY).get("token")
    file = first.memory_file
    file.unlink()
    put(file)
    with pytest.raises(VerificationError) as caught:
        Vault(first.repository, key_str=KEY).get("token")
    assert (caught.value.code, str(file) in caught.value.message) == ("DAMAGED", True)
