"""A checkout of an old state that cannot ask its remote is judged by what this machine remembers of main."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import COMMAND_LINE
from project import Project
from scene import git

pytestmark = [
    pytest.mark.skipif(not shutil.which("node") or not COMMAND_LINE.exists(), reason="there is no command line to change a vault"),
    pytest.mark.filterwarnings("ignore:The vault's remote could not be asked:agent_vault.AgentVaultWarning"),
]


@pytest.fixture
def project(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("CI", "true")
    root = machine / "project"
    root.mkdir()
    project = Project.make(root)
    git(project.repository, "push", "--quiet", "origin", "main:old")
    assert project.job() == "one"
    return project


def old_checkout(project: Project) -> Path:
    """A checkout of the branch `old`, after main was pushed and read on this machine, and without a remote from then on."""
    clone = project.checkout("refs/heads/old")
    project.push()
    project.job()
    project.remote.rename(project.root / "gone.git")
    return clone


def rules_of(project: Project) -> list[Path]:
    return list((project.root.parent / "home").rglob("*.rules"))


@pytest.mark.parametrize("auto_pull", [True, False])
def test_the_policy_of_main_counts(project: Project, *, auto_pull: bool) -> None:
    project.set_policy("deny")
    assert project.read(old_checkout(project), auto_pull=auto_pull) == "POLICY_DENIED"


@pytest.mark.usefixtures("command_line")
def test_the_command_line_decides_by_what_python_has_kept(project: Project) -> None:
    project.set_policy("deny")
    assert project.read(old_checkout(project)) == "POLICY_DENIED"


def test_an_agent_that_main_has_removed_reads_nothing(project: Project) -> None:
    project.change("remove-agent", "bot")
    assert project.read(old_checkout(project)) == "NOT_AUTHORIZED"


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda file: file.unlink(), id="gone"),
        pytest.param(lambda file: file.write_bytes(file.read_bytes()[:-9]), id="cut off"),
        pytest.param(lambda file: file.write_bytes(file.read_bytes().replace(b'"policy.yaml":"', b'"policy.yaml":"AAAA')), id="edited"),
        pytest.param(lambda file: file.write_bytes(b"null\n"), id="no file of ours"),
    ],
)
def test_without_the_rules_of_main_it_is_refused(project: Project, damage: Callable[[Path], object]) -> None:
    project.set_policy("deny")
    clone = old_checkout(project)
    (file,) = rules_of(project)
    damage(file)
    assert project.read(clone) == "ROLLBACK"
    (project.root / "gone.git").rename(project.remote)
    project.job()
    project.remote.rename(project.root / "gone.git")
    assert project.read(clone) == "POLICY_DENIED"


def test_only_the_newest_rules_are_kept(project: Project) -> None:
    first = rules_of(project)
    project.set("two")
    project.push()
    project.job("refs/heads/old")
    second = rules_of(project)
    assert (len(first), len(second), first == second) == (1, 1, False)
