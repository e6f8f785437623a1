"""Each test has a home, a git configuration and an environment of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a machine on which no command line is installed, and no record is kept."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n")
    home = tmp_path / "home"
    (home / ".agent-vault").mkdir(parents=True)
    for name in list(os.environ):
        if name not in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("AGENT_VAULT_AUDIT", "off")
    monkeypatch.setenv("AGENT_VAULT_HOME", str(home / ".agent-vault"))
    yield tmp_path
