"""A repository's URL in place of a folder, over the clone that the command line and the Node SDK use as well."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import COMMAND_LINE
from project import Project
from scene import git

from agent_vault import Vault, VaultError
from agent_vault.git.remote_url import parse_repository_url

pytestmark = pytest.mark.skipif(not shutil.which("node") or not COMMAND_LINE.exists(), reason="there is no command line to change a vault")


@pytest.fixture
def project(machine: Path) -> Project:
    project = Project.make(machine)
    git(project.remote, "config", "uploadpack.allowFilter", "true")
    return project


def clones() -> list[Path]:
    return sorted((Path(os.environ["AGENT_VAULT_HOME"]) / "cache").glob("url-*/repository"))


def test_the_vault_is_read_from_one_clone_in_which_nothing_is_checked_out(project: Project) -> None:
    url = f"file://{project.remote}"
    with Vault(url, project.bot_key) as vault:
        assert vault.get("stripe/api-key") == "one"
        assert [secret.name for secret in vault.list_secrets()] == ["stripe/api-key"]
        project.set("two")
        project.push()
        assert vault.get("stripe/api-key") == "one"
        vault.pull()
        assert vault.get("stripe/api-key") == "two"
    (clone,) = clones()
    assert os.listdir(clone) == [".git"]
    env = {**os.environ, "AGENT_VAULT_KEY": str(project.bot_key)}
    words = ["node", str(COMMAND_LINE), "-C", url, "get", "stripe/api-key"]
    assert subprocess.run(words, env=env, check=True, capture_output=True).stdout == b"two"
    assert clones() == [clone]


def test_a_ref_is_followed_alone_and_a_damaged_clone_is_made_again(project: Project) -> None:
    project.push("main:release")
    project.set("two")
    project.push()
    url = f"file://{project.remote}"
    assert Vault(f"{url}#release", project.bot_key).get("stripe/api-key") == "one"
    assert Vault(url, project.bot_key).get("stripe/api-key") == "two"
    for clone in clones():
        shutil.rmtree(clone / ".git" / "objects" / "pack")
    assert Vault(url, project.bot_key).get("stripe/api-key") == "two"
    with pytest.raises(VaultError) as caught:
        Vault(f"{url}#none", project.bot_key).get("stripe/api-key")
    assert caught.value.code == "VAULT_NOT_FOUND"


def test_old_files_on_top_and_a_vault_that_was_moved(project: Project) -> None:
    url = f"file://{project.remote}"
    assert Vault(url, project.bot_key).get("stripe/api-key") == "one"
    old = git(project.repository, "rev-parse", "HEAD^{tree}").strip()
    project.set("two")
    project.push()
    Vault(url, project.bot_key).pull()
    on_top = git(project.repository, "commit-tree", old, "-p", "main", "-m", "Old files").strip()
    project.push(f"{on_top}:refs/heads/main")
    with pytest.raises(VaultError) as caught:
        Vault(url, project.bot_key).pull()
    assert caught.value.code == "ROLLBACK"
    (project.repository / "services").mkdir()
    git(project.repository, "mv", ".agent-vault", "services/.agent-vault")
    git(project.repository, "commit", "--quiet", "--message", "Move")
    project.push()
    with pytest.raises(VaultError, match=r"services/\.agent-vault/") as caught:
        Vault(url, project.bot_key).pull()
    assert caught.value.code == "VAULT_NOT_FOUND"


@pytest.mark.parametrize(
    ("text", "address", "ref"),
    [
        ("https://Host.example/a.git", "https://host.example/a.git", None),
        ("https://me:pass@host.example:443/a#dev", "https://host.example/a", "dev"),
        ("ssh://git@host.example:2222/a", "ssh://git@host.example:2222/a", None),
        ("git@host.example:a/b.git#refs/tags/v1", "git@host.example:a/b.git", "refs/tags/v1"),
        ("file:///a/b", "file:///a/b", None),
        ("./git@host:a", None, None),
    ],
)
def test_urls(text: str, address: str | None, ref: str | None) -> None:
    url = parse_repository_url(text)
    assert (url.address if url else None, url.ref if url else None) == (address, ref)


@pytest.mark.parametrize("text", ["http://host/a", "https://host/a?b=c", "https:/host/a", "ftp://host/a", "file:///a#-x", "file:///a#HEAD"])
def test_urls_of_another_kind(text: str) -> None:
    with pytest.raises(VaultError) as caught:
        parse_repository_url(text)
    assert caught.value.code == "USAGE"
