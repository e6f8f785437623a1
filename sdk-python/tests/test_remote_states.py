"""What a remote was seen to have judges what it has now, on every branch, and a read moves nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import COMMAND_LINE
from project import Project
from scene import FIXTURES, Scene, git

from agent_vault import AgentVaultWarning, Vault, VaultError

pytestmark = pytest.mark.skipif(not shutil.which("node") or not COMMAND_LINE.exists(), reason="there is no command line to change a vault")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Main is at a state that follows the one of the branch `old`, and `unmerged` has three others that follow that."""
    root = tmp_path_factory.mktemp("project")
    config = root / "gitconfig"
    config.write_text("[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n")
    before = dict(os.environ)
    os.environ.update(GIT_CONFIG_GLOBAL=str(config), GIT_CONFIG_NOSYSTEM="1", HOME=str(root))
    try:
        project = Project.make(root)
        git(project.repository, "branch", "old")
        project.set("two")
        git(project.repository, "checkout", "--quiet", "-b", "unmerged", "old")
        for value in "abc":
            project.set(value)
        git(project.repository, "checkout", "--quiet", "main")
        project.push("main", "old", "unmerged")
    finally:
        os.environ.clear()
        os.environ.update(before)
    return root


@pytest.fixture
def project(machine: Path, template: Path) -> Project:
    shutil.copytree(template, machine / "copy")
    return Project(machine / "copy")


def snapshot(clone: Path) -> dict[str, str]:
    """All that a person's commands look at."""
    files = [clone / ".git" / name for name in ("HEAD", "index", "FETCH_HEAD")]
    return {
        "refs": git(clone, "for-each-ref", "refs/heads", "refs/remotes", "refs/tags"),
        "status": git(clone, "status", "--porcelain"),
        **{file.name: file.read_bytes().hex() if file.exists() else "none" for file in files},
    }


def test_a_read_reads_what_was_fetched_and_moves_nothing(project: Project) -> None:
    clone = project.clone()
    (clone / "note.txt").write_text("mine")
    (clone / ".agent-vault" / "note.txt").write_text("mine")
    before = snapshot(clone)
    assert project.read(clone) == "two"
    project.set("three")
    project.push()
    Vault(clone, project.bot_key).pull()
    assert project.read(clone) == "three"
    assert project.read(clone, auto_pull=False) == "two"
    assert snapshot(clone) == before
    assert git(clone, "for-each-ref", "--format=%(refname)", "refs/agent-vault").count("\n") == 1


def roll_back(project: Project) -> str:
    git(project.remote, "update-ref", "refs/heads/main", "refs/heads/old")
    return "refs/heads/main"


def rename_default(project: Project) -> str:
    git(project.remote, "update-ref", "refs/heads/trunk", "refs/heads/old")
    git(project.remote, "symbolic-ref", "HEAD", "refs/heads/trunk")
    git(project.remote, "update-ref", "-d", "refs/heads/main")
    return "refs/heads/trunk"


def delete_main(project: Project) -> str:
    git(project.remote, "update-ref", "-d", "refs/heads/main")
    return "refs/heads/unmerged"


def withhold(project: Project) -> str:
    git(project.remote, "update-ref", "refs/heads/main", "refs/heads/unmerged")
    return "refs/heads/main"


@pytest.mark.parametrize(
    ("attack", "code"), [(roll_back, "ROLLBACK"), (rename_default, "ROLLBACK"), (delete_main, "ROLLBACK"), (withhold, "FORKED")]
)
@pytest.mark.filterwarnings("ignore::agent_vault.AgentVaultWarning")
def test_a_remote_that_takes_main_back_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, attack: Callable[[Project], str], code: str
) -> None:
    monkeypatch.setenv("CI", "true")
    assert project.job() == "two"
    assert project.job("refs/heads/unmerged") == "c"
    assert project.job(attack(project)) == code


def test_branches_that_others_move_are_no_alarm(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert [project.job(f"refs/heads/{branch}") for branch in ("main", "unmerged", "old", "main")] == ["two", "c", "one", "two"]
    project.push("main", "+old:unmerged")
    assert project.job("refs/heads/unmerged") == "one"
    git(project.repository, "checkout", "--quiet", "-b", "change")
    project.set("three")
    project.push("change")
    assert project.job("refs/heads/change") == "three"
    project.push("change:main", ":change")
    assert project.job() == "three"


def test_an_agent_that_main_has_removed_reads_no_branch(project: Project) -> None:
    assert project.job("refs/heads/old") == "one"
    project.change("remove-agent", "bot")
    project.push()
    assert project.job("refs/heads/old") == "NOT_AUTHORIZED"


def test_a_policy_of_main_counts_on_every_branch(project: Project) -> None:
    project.set_policy("deny")
    project.push()
    assert project.job("refs/heads/old") == "POLICY_DENIED"


@pytest.mark.usefixtures("command_line")
def test_the_command_line_decides_by_the_policy_of_main(project: Project) -> None:
    for rule, answer in (("deny", "POLICY_DENIED"), ("allow", "one")):
        project.set_policy(rule)
        project.push()
        assert project.job("refs/heads/old") == answer


def test_a_remote_that_cannot_be_asked_is_a_warning_with_the_age(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = project.clone()
    assert project.read(clone) == "two"
    record = clone / ".git" / "agent-vault" / "fetched.json"
    fields = json.loads(record.read_text())
    ago = fields["triedAt"] - 3 * 3_600_000
    record.write_text(json.dumps({**fields, "triedAt": ago, "fetchedAt": ago}))
    project.remote.rename(project.root / "gone.git")
    with pytest.warns(AgentVaultWarning, match="the state of 3 hours ago"):
        assert project.read(clone) == "two"
    # It was asked a moment ago.
    monkeypatch.setenv("AGENT_VAULT_REQUIRE_FRESH", "1")
    assert project.read(clone) == "two"
    with pytest.raises(VaultError) as caught:
        Vault(clone, project.bot_key).pull()
    assert caught.value.code == "GIT_FAILED"


def test_strict_mode_names_the_key_that_it_needs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    key = next(line for line in project.bot_key.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-"))
    vault = Vault(project.clone(), key_str=key)
    with pytest.raises(VaultError) as caught:
        vault.get("stripe/api-key")
    assert caught.value.code == "UNTRUSTED_SIGNER"
    owner = next(line for line in project.bot_key.read_text().splitlines() if line.startswith("# owner: ")).removeprefix("# owner: ")
    assert f"AGENT_VAULT_OWNER='{owner}'" in str(caught.value)
    monkeypatch.setenv("AGENT_VAULT_OWNER", owner)
    assert vault.get("stripe/api-key") == "two"


def test_another_vault_at_the_same_place_is_refused(project: Project, machine: Path) -> None:
    assert project.job() == "two"
    other = Project.make(_folder(machine / "other"))
    git(project.repository, "fetch", "--quiet", str(other.repository), "main")
    project.push("FETCH_HEAD:main")
    assert Project(project.root).job() == "WRONG_VAULT"
    clone = project.checkout()
    owner = next(line for line in other.bot_key.read_text().splitlines() if line.startswith("# owner: ")).removeprefix("# owner: ")
    outcome = _read_with(clone, other.bot_key, {"AGENT_VAULT_OWNER": owner})
    assert outcome == "WRONG_VAULT"


@pytest.mark.parametrize(("other", "code"), [(False, "VAULT_NOT_FOUND"), (True, "WRONG_VAULT")])
def test_a_vault_that_was_moved_is_said_to_be_where_it_is(project: Project, machine: Path, code: str, *, other: bool) -> None:
    clone = project.checkout()
    assert project.read(clone) == "two"
    (project.repository / "services" / "api").mkdir(parents=True)
    git(project.repository, "mv", ".agent-vault", "services/api/.agent-vault")
    if other:
        shutil.copytree(Project.make(_folder(machine / "other")).repository / ".agent-vault", project.repository / ".agent-vault")
        git(project.repository, "add", ".agent-vault")
    git(project.repository, "commit", "--quiet", "--message", "Move the vault")
    project.push()
    with pytest.raises(VaultError) as caught:
        Vault(clone, project.bot_key).pull()
    assert (caught.value.code, "services/api" in str(caught.value)) == (code, True)


def test_a_signer_whom_an_owner_added_is_trusted_without_the_history(project: Project) -> None:
    assert project.job() == "two"
    project.change("rotate-owner")
    project.set("three")
    project.push()
    assert project.job() == "three"
    memory = next((project.root.parent / "home").rglob("memory.json"))
    assert len(json.loads(memory.read_text())["removed"]) == 1


def test_what_another_clone_made_and_pushed_is_not_taken_back(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line remembers on this machine what it made; the Python SDK makes nothing and counts it."""
    home = project.root.parent / "home" / ".agent-vault"
    shutil.copyfile(project.root / "owner-home" / "owner.key", home / "owner.key")
    monkeypatch.setenv("AGENT_VAULT_OWNER", "")
    clone, other = project.clone(), project.clone()
    assert project.read(clone) == "two"
    subprocess.run(["node", str(COMMAND_LINE), "set", "stripe/api-key"], cwd=other, input=b"made", check=True, capture_output=True)
    # Nobody but its clone knows of it, and the branch is where the remote is.
    Vault(clone, project.bot_key).pull()
    git(other, "push", "--quiet")
    git(project.remote, "update-ref", "refs/heads/main", "refs/heads/main~1")
    assert project.read(clone) == "ROLLBACK"
    git(other, "push", "--quiet")
    assert project.read(clone) == "made"


def test_a_remote_is_the_same_under_another_spelling(project: Project) -> None:
    clone = project.clone()
    assert project.read(clone) == "two"
    git(clone, "config", "url./.insteadOf", "home:")
    git(clone, "remote", "set-url", "origin", f"home:{str(project.remote)[1:].removesuffix('.git')}")
    roll_back(project)
    assert project.read(clone) == "ROLLBACK"


@pytest.mark.filterwarnings("ignore:Whether state:agent_vault.AgentVaultWarning")
def test_what_agent_vault_0_2_0_remembered_is_taken_over(machine: Path) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    former = json.loads((FIXTURES / "trust" / "second.json").read_text())
    seen = {"sequence": former["sequence"], "lock": former["lock"]}
    file = scene.memory_file.parent.with_suffix(".json")
    file.parent.mkdir()
    file.write_text(json.dumps({**former, "remotes": {f"file://user@localhost{scene.remote} refs/heads/main": seen}}))
    text = file.read_text()
    with pytest.raises(VaultError) as caught:
        Vault(scene.repository, scene.key_path).get("stripe/api-key")
    assert caught.value.code == "ROLLBACK"
    scene.push("second", [])
    scene.fetch_again()
    assert Vault(scene.repository, scene.key_path).get("stripe/api-key") == "sk_test_second"
    memory = json.loads(scene.memory_file.read_text())
    assert (memory["version"], list(memory["remotes"])) == (2, [str(scene.remote.resolve())])
    assert file.read_text() == text


def test_files_that_are_larger_than_any_of_a_vault_are_not_read(project: Project) -> None:
    assert project.job() == "two"
    secret = project.repository / ".agent-vault" / "secrets" / "stripe" / "api-key.enc"
    with secret.open("r+b") as opened:
        opened.truncate(70 * 1024 * 1024)
    git(project.repository, "commit", "--quiet", "--all", "--message", "Large")
    project.push()
    clone = project.clone()
    with pytest.warns(AgentVaultWarning, match="larger than any such file"):
        assert Vault(clone, project.bot_key).get("stripe/api-key") == "two"
    with pytest.raises(VaultError, match="larger than any such file") as caught:
        Vault(clone, project.bot_key, auto_pull=False).get("stripe/api-key")
    assert caught.value.code == "TAMPERED"


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _read_with(clone: Path, key: Path, env: dict[str, str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        try:
            return Vault(clone, key).get("stripe/api-key")
        except VaultError as failure:
            return failure.code
