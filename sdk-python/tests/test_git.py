"""What git is given, and what is understood of its answers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from scene import Scene, git

from agent_vault import Vault, VaultError, VaultNotFoundError
from agent_vault.git.environment import git_environment
from agent_vault.git.errors import GitErrorKind, git_failed
from agent_vault.git.git_folders import find_git_folders
from agent_vault.git.may_have_remote import may_have_remote
from agent_vault.git.repository import GitRepository
from agent_vault.text.credentials import hide_credentials, without_credentials
from agent_vault.trust.followed import followed_by

FIXTURE = json.loads((Path(__file__).resolve().parents[2] / "fixtures" / "remote-urls.json").read_text("utf-8"))
URLS = FIXTURE["cases"]
WITHHELD = {
    "AGENT_VAULT_AUDIT": "off",
    "AGENT_VAULT_KEY": "withheld-key",
    "AGENT_VAULT_LEDGER_KEY": "withheld-ledger-key",
    "AGENT_VAULT_OWNER": "withheld-owner",
    "AGENT_VAULT_SOMETHING_NEW": "withheld-new",
    "AGENT_VAULT_TOKEN": "withheld-token",
}


@pytest.mark.parametrize("case", URLS, ids=[case["url"] for case in URLS])
def test_credentials_come_off_a_url(case: dict[str, str]) -> None:
    assert without_credentials(case["url"]) == case["without_credentials"]


@pytest.mark.parametrize("case", FIXTURE["texts"], ids=[case["text"] for case in FIXTURE["texts"]])
def test_what_is_in_the_wrong_place_is_hidden(case: dict[str, str]) -> None:
    assert hide_credentials(case["text"]) == case["hidden"]
    assert str(VaultError("USAGE", case["text"])) == case["hidden"]


@pytest.mark.parametrize(
    "place",
    [
        "http://user:pa55word@example.com/vault.git",
        " https://user:pa55word@example.com/vault.git",
        "ttps:/user:pa55word@example.com/vault.git",
        "ext::sh -c true",
        "user:pa55word@example.com:vault.git",
        "user:pa55word@example.com/vault.git",
    ],
)
def test_a_url_of_another_kind_is_not_taken_for_a_folder(machine: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    monkeypatch.chdir(scene.repository)
    with pytest.raises(VaultError) as raised:
        Vault(place)
    assert raised.value.code == "USAGE"
    assert "pa55word" not in str(raised.value)


def test_a_folder_that_does_not_exist_is_in_no_vault(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    with pytest.raises(VaultNotFoundError):
        Vault(scene.repository / "mistyped")
    with pytest.raises(VaultNotFoundError):
        Vault(scene.repository / ".agent-vault" / "manifest.yaml")


def test_a_password_in_a_remote_is_not_remembered(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    # git does not look at the host of a file URL.
    git(scene.repository, "remote", "set-url", "origin", f"file://user:p@ss@localhost{scene.remote}")
    assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_first"
    file = scene.memory_file
    assert "ss@" not in file.read_text()
    assert f'"{scene.remote.resolve()}": {{' in file.read_text()


@pytest.mark.skipif(os.name != "posix", reason="shell scripts")
@pytest.mark.filterwarnings("ignore::agent_vault.AgentVaultWarning")
def test_a_program_that_a_repository_names_gets_no_variable_of_agent_vault(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    scene.push("second", [])
    seen = machine / "seen"
    script = machine / "print-environment"
    script.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{seen}'\nenv >> '{seen}'\n")
    script.chmod(0o755)
    git(scene.repository, "config", "core.sshCommand", str(script))
    # A read that asks a remote by ssh starts the program, which answers nothing.
    git(scene.repository, "remote", "set-url", "origin", "ssh://host.invalid/vault")
    for name, value in WITHHELD.items():
        if name not in ("AGENT_VAULT_KEY", "AGENT_VAULT_TOKEN", "AGENT_VAULT_OWNER"):
            monkeypatch.setenv(name, value)
    assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_first"
    for name, value in WITHHELD.items():
        monkeypatch.setenv(name, value)
    git(scene.repository, "config", "credential.helper", str(script))
    repository = GitRepository.find(str(scene.repository), os.environ)
    assert repository is not None
    repository.run(["credential", "approve"], stdin=b"protocol=https\nhost=example.com\nusername=u\npassword=p\n\n")
    printed = seen.read_text()
    assert f"{script} store" in printed
    assert "host.invalid git-upload-pack" in printed
    assert "PATH=" in printed
    assert "AGENT_VAULT_" not in printed
    assert "withheld" not in printed


def test_git_gets_what_else_is_set_but_not_another_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = git_environment({"PATH": "/bin", "GIT_DIR": "/elsewhere", "LC_ALL": "de_DE.UTF-8", "agent_vault_key": "x", **WITHHELD})
    assert environment == {"PATH": "/bin", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        (b"fatal: not a git repository (or any of the parent directories): .git\n", "not_a_repository"),
        (b"error: cannot lock ref 'refs/remotes/origin/main': is at 1 but expected 2\n", "locked_ref"),
        (b"remote: fatal: not a git repository\nremote: cannot lock ref\nfatal: the remote end hung up\n", "other"),
        (b"", "other"),
    ],
)
def test_what_git_says_has_one_of_a_closed_set_of_kinds(stderr: bytes, kind: GitErrorKind) -> None:
    failure = git_failed(["-c", "core.hooksPath=/dev/null", "fetch"], stderr)
    assert failure.kind == kind
    assert failure.message.startswith("git fetch failed")
    assert failure.message[-2] not in ".: "
    assert failure.message.endswith(".")


def test_no_part_of_a_password_is_in_an_error() -> None:
    said = b"fatal: unable to access 'https://user:p@ss@localhost:1/x@y.git/': Failed to connect, mail a@b for help\n"
    assert git_failed(["fetch"], said).message == (
        "git fetch failed: unable to access 'https://localhost:1/x@y.git/': Failed to connect, mail a@b for help."
    )


def test_a_folder_without_a_repository_is_told_from_a_broken_one(machine: Path) -> None:
    assert GitRepository.find(str(machine), os.environ) is None
    assert GitRepository.find(str(machine), {"PATH": str(machine)}) is None


@pytest.mark.parametrize(
    "config",
    [
        '[Remote "origin"]',
        '[remote\t"origin"]',
        '[core]\tbare = false\n[REMOTE    "origin"] url = x',
        "[include]",
        '[includeIf "gitdir:/"]',
        "[extensions]",
    ],
)
def test_a_remote_may_be_in_any_configuration_that_git_reads(machine: Path, config: str) -> None:
    folder, home = machine / "repository", machine / "someone"
    (folder / ".git").mkdir(parents=True)
    home.mkdir()
    own, env = folder / ".git" / "config", {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    own.write_text("[core]\n")
    assert not may_have_remote(str(folder), env)
    own.write_text(config)
    assert may_have_remote(str(folder), env)
    own.write_text("[core]\n")
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "config").write_text(config)
    assert may_have_remote(str(folder), env)
    assert not may_have_remote(str(folder), {**env, "XDG_CONFIG_HOME": str(machine)})
    assert may_have_remote(str(folder), {**env, "GIT_CONFIG_GLOBAL": str(home / ".config" / "git" / "config")})
    (home / ".gitconfig").write_text(config)
    assert may_have_remote(str(folder), {**env, "XDG_CONFIG_HOME": str(machine)})
    setting = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "remote.origin.url"}
    assert may_have_remote(str(folder), {**env, **setting})


@pytest.mark.parametrize("name", ["origin", "team/shop", "a.b"])
def test_the_default_branch_of_a_remote_is_found_under_any_name(machine: Path, name: str) -> None:
    subprocess.run(["git", "init", "--quiet", str(machine / "clone")], check=True)
    git(machine / "clone", "remote", "add", name, "https://git.example.com/shop.git")
    git(machine / "clone", "symbolic-ref", f"refs/remotes/{name}/HEAD", f"refs/remotes/{name}/release/next")
    folders = find_git_folders(str(machine / "clone"))
    assert folders is not None
    followed = followed_by(GitRepository.locate(folders, os.environ), folders)
    assert followed is not None
    assert (followed.name, followed.default) == (name, "refs/heads/release/next")
