"""Each test has a home, a git configuration and an environment of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from scene import Scene

COMMAND_LINE = Path(__file__).resolve().parents[2] / "packages" / "cli" / "bin" / "agent-vault.js"
_NODE = shutil.which("node")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a machine on which no command line is installed, and no record is kept."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n")
    home = tmp_path / "home"
    (home / ".agent-vault").mkdir(parents=True)
    for name in list(os.environ):
        if name not in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR"):
            monkeypatch.delenv(name)
    folders = os.environ["PATH"].split(os.pathsep)
    monkeypatch.setenv("PATH", os.pathsep.join(folder for folder in folders if not shutil.which("agent-vault", path=folder)))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("AGENT_VAULT_AUDIT", "off")
    monkeypatch.setenv("AGENT_VAULT_HOME", str(home / ".agent-vault"))
    return tmp_path


@pytest.fixture
def first(machine: Path) -> Scene:
    """A vault of the fixtures, with the key of its agent bot."""
    return Scene(machine, {"vault": "first", "key": {"file": "bot.key"}})


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who is not in the system's list, as in a container that runs as a number."""

    def nobody(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.delenv("AGENT_VAULT_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)


@pytest.fixture
def command_line(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The built command line of this checkout, on the PATH."""
    if _NODE is None or not COMMAND_LINE.exists():
        pytest.skip("there is no command line to ask")
    program = install(machine, f'#!/bin/sh\nexec "{_NODE}" "{COMMAND_LINE}" "$@"\n')
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def install(machine: Path, script: str) -> Path:
    """A program of the name agent-vault in a folder of its own."""
    program = machine / "bin" / "agent-vault"
    program.parent.mkdir()
    program.write_text(script)
    program.chmod(0o755)
    return program
