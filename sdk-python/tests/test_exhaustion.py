"""Whatever is pushed into a vault, no read takes more of the memory than a vault needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import Scene, git

_MIB = 1024 * 1024
_MAX_PEAK_BYTES = 200 * _MIB
_PROGRAM = """
import re, sys
from agent_vault import Vault, VaultError
code = "read"
try:
    vault = Vault(".", sys.argv[1])
    getattr(vault, sys.argv[2])(*sys.argv[3:])
except VaultError as failure:
    code = failure.code
# Not what getrusage says, which counts the memory of the process that started this one.
print(code, int(re.search(r"VmHWM:\\s+([0-9]+) kB", open("/proc/self/status").read())[1]) * 1024)
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak is measured as Linux counts it")
SLOW = bool(os.environ.get("SLOW"))


def zeros(scene: Scene, size: int) -> str:
    file = scene.machine / "zeros"
    with file.open("wb") as opened:
        opened.truncate(size)
    return git(scene.remote, "-c", "core.bigFileThreshold=1m", "hash-object", "-w", str(file)).strip()


def entries_of(scene: Scene, blob: str, count: int) -> str:
    """A tree of so many secrets that are all one blob."""
    listing = "".join(f"100644 blob {blob}\tn{number:07}.enc\n" for number in range(count))
    return subprocess.run(["git", "mktree"], cwd=scene.remote, input=listing, check=True, capture_output=True, text=True).stdout.strip()


def push(scene: Scene, group: str) -> None:
    """Puts a tree in the place of the group stripe."""
    tree, name = group, "stripe"
    for parent in ("main:.agent-vault/secrets", "main:.agent-vault", "main:"):
        others = [line for line in git(scene.remote, "ls-tree", parent).splitlines() if line.split("\t")[1] != name]
        listing = "\n".join([*others, f"040000 tree {tree}\t{name}", ""])
        made = subprocess.run(["git", "mktree"], cwd=scene.remote, input=listing, check=True, capture_output=True, text=True)
        tree, name = made.stdout.strip(), Path(parent.split(":")[1]).name or ".agent-vault"
    commit = git(scene.remote, "commit-tree", "-p", "main", "-m", "hostile", tree).strip()
    git(scene.remote, "update-ref", "refs/heads/main", commit)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda scene: entries_of(scene, zeros(scene, (700 if SLOW else 70) * _MIB), 6), id="six entries of one huge file"),
        pytest.param(lambda scene: entries_of(scene, zeros(scene, 60 * _MIB), 6), id="six entries of one large file"),
        pytest.param(
            lambda scene: entries_of(scene, zeros(scene, 1), 1_000_000 if SLOW else 210_000), id="more entries than any vault has"
        ),
        pytest.param(lambda scene: entries_of(scene, zeros(scene, 1), 190_000 if SLOW else 20_000), id="as many as a vault may have"),
    ],
)
@pytest.mark.parametrize("call", [["get", "stripe/api-key"], ["pull"]], ids=["get", "pull"])
def test_a_hostile_commit(machine: Path, make: Callable[[Scene], str], call: list[str]) -> None:
    scene = Scene(machine, {"history": ["first"], "key": {"file": "bot.key"}})
    # A state that is not in the work tree is read whole, out of the commit.
    scene.push("second", [])
    push(scene, make(scene))
    code, peak = _run(scene, call)
    # The state before that commit may be read in its place.
    assert code in ("TAMPERED", "SECRET_NOT_FOUND", "read")
    assert peak < _MAX_PEAK_BYTES


def test_a_file_of_the_work_tree(first: Scene) -> None:
    with (first.repository / ".agent-vault" / "secrets" / "stripe" / "api-key.enc").open("r+b") as opened:
        opened.truncate(2048 * _MIB)
    code, peak = _run(first, ["get", "stripe/api-key"])
    assert code == "TAMPERED"
    assert peak < _MAX_PEAK_BYTES


def _run(scene: Scene, call: list[str]) -> tuple[str, int]:
    words = [sys.executable, "-c", _PROGRAM, str(scene.key_path), *call]
    code, peak = subprocess.run(words, cwd=scene.repository, check=True, capture_output=True, text=True).stdout.split()
    return code, int(peak)
