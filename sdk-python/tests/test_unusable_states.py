"""A commit that nobody signed is passed over for the newest whole state behind it, if that is or lists all that is remembered."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import COMMAND_LINE
from project import Project
from scene import git

from agent_vault import Vault, VaultError

pytestmark = pytest.mark.skipif(not shutil.which("node") or not COMMAND_LINE.exists(), reason="there is no command line to change a vault")


@pytest.fixture
def project(machine: Path) -> Project:
    project = Project.make(machine)
    project.push()
    return project


def commit(project: Project) -> str:
    git(project.repository, "add", "--all")
    git(project.repository, "commit", "--quiet", "--message", "Update the vault")
    project.push()
    return git(project.repository, "rev-parse", "HEAD")[:12]


def edit(vault: Path) -> None:
    (vault / "secrets" / "stripe" / "api-key.enc").write_text("edited")


def read_after_pull(project: Project, clone: Path) -> tuple[str, str]:
    """The value or the code of the error, and what was warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            Vault(clone, project.bot_key).pull()
        except VaultError as failure:
            return failure.code, ""
        value = project.read(clone)
    return value, "\n".join(str(warning.message) for warning in said)


@pytest.mark.parametrize(("change", "code"), [(edit, "TAMPERED"), (shutil.rmtree, "ROLLBACK")], ids=["edited", "deleted"])
def test_a_commit_on_main(project: Project, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], code: str) -> None:
    clone = project.clone()
    assert project.read(clone) == "one"
    change(project.repository / ".agent-vault")
    bad = commit(project)
    clone = project.clone() if change is edit else clone
    value, said = read_after_pull(project, clone)
    assert value == "one"
    assert f"Commit {bad} on the branch main" in said
    monkeypatch.setenv("AGENT_VAULT_STRICT", "1")
    assert read_after_pull(project, clone)[0] == code


def test_half_a_merge_and_an_edited_work_tree(project: Project) -> None:
    git(project.repository, "checkout", "--quiet", "-b", "theirs")
    project.set("theirs")
    git(project.repository, "checkout", "--quiet", "main")
    project.set("two")
    git(project.repository, "merge", "--quiet", "--no-commit", "--strategy=ours", "theirs")
    git(project.repository, "checkout", "--quiet", "theirs", "--", ".agent-vault/secrets/stripe")
    merge = commit(project)
    clone = project.clone()
    value, said = read_after_pull(project, clone)
    assert value == "two"
    assert f"Commit {merge} on the branch main" in said
    git(project.repository, "reset", "--quiet", "--hard", "HEAD~1")
    project.push()
    clone = project.clone()
    assert project.read(clone) == "two"
    edit(clone / ".agent-vault")
    value, said = read_after_pull(project, clone)
    assert value == "two"
    assert "read as it was committed" in said
    assert project.read(clone, auto_pull=False) == "TAMPERED"


def test_old_files_on_top_are_a_rollback(project: Project) -> None:
    old = git(project.repository, "rev-parse", "HEAD^{tree}").strip()
    project.set("two")
    project.push()
    on_top = git(project.repository, "commit-tree", old, "-p", "main", "-m", "Old files").strip()
    project.push(f"{on_top}:refs/heads/main")
    assert project.read(project.clone()) == "ROLLBACK"


def test_the_branch_that_is_read_does_not_say_which_branch_is_home(project: Project) -> None:
    config = project.repository / ".agent-vault" / "config.yaml"
    before = config.read_text()
    config.write_text(f"{before}settings:\n  sync:\n    branch: attacker\n")
    project.set_policy("allow")
    git(project.repository, "branch", "attacker")
    config.write_text(before)
    project.set_policy("deny")
    project.push("main", "attacker")
    assert project.job() == "POLICY_DENIED"
    for is_known in (True, False):
        if is_known:
            Vault(project.checkout(), project.bot_key).pull()
        else:
            shutil.rmtree(Path.home() / ".agent-vault" / "trust")
        assert project.job("refs/heads/attacker") == "POLICY_DENIED", is_known
