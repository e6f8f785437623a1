"""The class Vault: its arguments, its results and its errors."""

from __future__ import annotations

import copy
import os
import pickle
import traceback
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest
from scene import Scene, key_file

import agent_vault
from agent_vault import (
    AgentVaultWarning,
    ManifestError,
    NotAuthorizedError,
    SecretNotFoundError,
    Vault,
    VaultError,
    VaultNotFoundError,
    VerificationError,
)
from agent_vault.files.vault_folder import VaultFolder

KEY = key_file("bot.key").read_text("utf-8")
SECRET_KEY = next(line for line in KEY.splitlines() if line.startswith("AGE-SECRET-KEY-"))


def test_paths_may_be_paths_and_start_at_home(first: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    (first.home / "bot.key").write_text(KEY)
    monkeypatch.chdir(first.repository)
    assert Vault(".", "~/.agent-vault/bot.key").get("stripe/api-key") == "sk_test_first"
    assert Vault(first.repository / ".agent-vault", key_file("bot.key")).get("stripe/api-key") == "sk_test_first"


def test_a_key_as_text_takes_precedence_and_is_shown_nowhere(first: Scene) -> None:
    vault = Vault(first.repository, key_path="/no/such/file", key_str=KEY)
    assert vault.get("token") == "of the default group"
    assert SECRET_KEY not in repr(vault) + str(vars(vault))
    for write in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            write(vault)


def test_a_key_that_is_mistyped_is_not_repeated(first: Scene) -> None:
    mistyped = SECRET_KEY[:-1] + ("Q" if SECRET_KEY[-1] != "Q" else "P")
    for vault in (Vault(first.repository, key_str=mistyped), Vault(first.repository, key_path=mistyped)):
        with pytest.raises(VaultError) as caught:
            vault.get("token")
        assert caught.value.code == "INVALID_KEY"
        assert mistyped[20:] not in "".join(traceback.format_exception(caught.value))


def test_a_closed_vault_answers_nothing(first: Scene) -> None:
    with Vault(first.repository, first.key_path) as vault:
        assert vault.get("stripe/api-key") == "sk_test_first"
    for call in (lambda: vault.get("token"), vault.list_secrets, vault.list_agents, vault.reload, vault.pull, vault.__enter__):
        with pytest.raises(VaultError, match="closed") as caught:
            call()
        assert caught.value.code == "USAGE"


def test_metadata_and_the_manifest_are_typed(first: Scene) -> None:
    vault = Vault(first.repository, first.key_path)
    secret = vault.list_secrets("stripe")[0]
    assert (secret.name, secret.expires) == ("stripe/api-key", datetime(2031, 1, 2, 3, 4, 5, tzinfo=timezone.utc))
    assert secret.created is not None
    assert secret.rotated is not None
    assert vault.manifest.agents["bot"] == ("stripe", "default", "deep", "empty", "armored")
    assert vault.manifest.extra_agents == {"deep/er/value": ("idle",)}
    assert [owner.file for owner in vault.manifest.owners] == ["owner.pub"]
    vault.reload()


def test_errors_are_what_a_program_catches(first: Scene, machine: Path) -> None:
    vault = Vault(first.repository, first.key_path)
    for call, kind, code in (
        (lambda: vault.get("stripe/api-kye"), SecretNotFoundError, "SECRET_NOT_FOUND"),
        (lambda: vault.get("other/secret"), NotAuthorizedError, "NOT_AUTHORIZED"),
        (lambda: Vault(machine / "home"), VaultNotFoundError, "VAULT_NOT_FOUND"),
        (lambda: Vault(first.repository).get("token"), VaultNotFoundError, "NO_KEY"),
        (lambda: vault.list_secrets("no-such"), ManifestError, "GROUP_NOT_FOUND"),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert isinstance(caught.value, VaultError)
        assert caught.value.code == code
        assert caught.value.remedy
        assert pickle.loads(pickle.dumps(caught.value)).code == code  # noqa: S301


def test_bytes_that_are_not_text_are_not_quoted_in_the_error(first: Scene) -> None:
    with pytest.raises(VaultError) as caught:
        Vault(first.repository, first.key_path).get("stripe/cert")
    assert caught.value.code == "INVALID_VALUE"
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "words",
    [{"repo_path": ""}, {"repo_path": 1}, {"key_str": ""}, {"key_path": b"x"}, {"auto_pull": "no"}, {"passphrase_fd": "3"}],
)
def test_arguments_of_another_type_are_refused(first: Scene, words: dict[str, object]) -> None:
    with pytest.raises(VaultError) as caught:
        Vault(**{"repo_path": first.repository, **words})  # type: ignore[arg-type]
    assert caught.value.code == "USAGE"


def test_a_link_to_a_vault_is_not_followed(first: Scene, machine: Path) -> None:
    elsewhere = machine / "elsewhere"
    elsewhere.mkdir()
    os.symlink(first.repository / ".agent-vault", elsewhere / ".agent-vault")
    with pytest.raises(VerificationError) as caught:
        Vault(elsewhere)
    assert caught.value.code == "LINK_IN_VAULT"


def test_the_bytes_that_were_verified_are_the_bytes_that_are_used(first: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Counter[str] = Counter()
    read = VaultFolder.read

    def counted(folder: VaultFolder, file: str) -> bytes | None:
        # An attacker replaces the file between two reads.
        reads[file] += 1
        content = read(folder, file)
        return b"of mallory" if content is not None and reads[file] > 1 and file.startswith("secrets/stripe/") else content

    monkeypatch.setattr(VaultFolder, "read", counted)
    with pytest.raises(VerificationError):
        Vault(first.repository, first.key_path).get("stripe/api-key")
    assert reads["secrets/stripe/api-key.enc"] == 2


def test_a_signature_that_is_no_longer_valid_is_a_warning(machine: Path) -> None:
    scene = Scene(machine, {"vault": "expired", "key": {"file": "bot.key"}})
    with pytest.warns(AgentVaultWarning, match="valid until 2026-01-01"):
        assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_first"


@pytest.mark.filterwarnings("ignore:Whether state:agent_vault.AgentVaultWarning")
def test_a_remote_is_asked_once_in_the_interval_and_when_it_is_asked_for(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    vault = Vault(scene.repository, scene.key_path)
    assert vault.get("stripe/api-key") == "sk_test_first"
    scene.push("second", [])
    assert vault.get("stripe/api-key") == "sk_test_first"
    vault.pull()
    assert vault.get("stripe/api-key") == "sk_test_second"


def test_the_package_says_its_version_and_that_it_is_typed() -> None:
    folder = Path(agent_vault.__file__).parent
    assert (folder / "py.typed").exists()
    assert agent_vault.__version__ == "0.2.0"
