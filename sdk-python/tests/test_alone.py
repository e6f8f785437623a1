"""Nothing but the package, and git or not even that: docs/python.md's examples run, and their reads are in the audit log afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scene import SIGNERS, Scene, key_file
from test_documentation import EXAMPLES
from test_record import rows

#: Each example as a program of its own would run it.
PROGRAM = "import sys\nfor code in sys.argv[1:]:\n    exec(compile(code, 'an example', 'exec'), {})\n"
PAGE = [code for page, _, code in EXAMPLES if page == "docs/python.md"]


@pytest.mark.parametrize("programs", ["git alone", "no program at all"])
def test_the_pages_examples_run_and_go_on_record(machine: Path, monkeypatch: pytest.MonkeyPatch, programs: str) -> None:
    scene = Scene(machine, {"history": ["first"]} if programs == "git alone" else {"vault": "first"})
    (scene.home / "agents").mkdir()
    key = scene.home / "agents" / "billing-agent.key"
    shutil.copyfile(key_file("bot.key"), key)
    key.chmod(0o600)
    path = machine / "path"
    path.mkdir()
    if programs == "git alone":
        git = shutil.which("git")
        assert git is not None
        (path / "git").symlink_to(git)
    env = {name: os.environ[name] for name in ("HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")}
    env |= {"PATH": str(path), "AGENT_VAULT_OWNER": SIGNERS["owner"]}
    outcome = subprocess.run([sys.executable, "-c", PROGRAM, *PAGE], cwd=scene.repository, env=env, capture_output=True, text=True)
    assert (outcome.returncode, outcome.stdout) == (0, "Did you mean stripe/api-key? agent-vault list shows them all.\n"), outcome.stderr
    monkeypatch.setenv("AGENT_VAULT_OWNER", SIGNERS["owner"])
    monkeypatch.delenv("AGENT_VAULT_AUDIT")
    scene.key_path = str(key)
    assert [(row["who"], row["secrets"], row["proven"]) for row in rows(scene)] == [
        ("bot", ["stripe/api-key"], True),
        ("bot", ["stripe/cert"], True),
        ("bot", ["stripe/api-key"], True),
    ]
