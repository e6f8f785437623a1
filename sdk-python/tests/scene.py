"""Sets up the machine of a case of fixtures/conformance."""

from __future__ import annotations

import atexit
import base64
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "conformance"
Case = dict[str, Any]

_SUITE = json.loads((FIXTURES / "cases.json").read_text("utf-8"))
_STATES = json.loads((FIXTURES.parent / "states" / "cases.json").read_text("utf-8"))
_VAULTS: dict[str, list[str]] = {**_SUITE["vaults"], **_STATES["vaults"]}
SIGNERS: dict[str, str] = json.loads((FIXTURES / "signers.json").read_text("utf-8"))
CASES: list[Case] = [*_SUITE["cases"], *_STATES["cases"]]
#: Vaults, and what the parts of a reader make of them.
STATES: list[Case] = _STATES["states"]


def key_file(name: str) -> Path:
    return FIXTURES / "keys" / name


class Scene:
    """A case on a machine of its own."""

    def __init__(self, machine: Path, case: Case) -> None:
        self.machine = machine
        self.repository = machine / "repository"
        self.repository.mkdir()
        self.home = machine / "home" / ".agent-vault"
        key = case.get("key", {})
        self.env: dict[str, str] = {}
        if "variable" in key:
            self.env["AGENT_VAULT_KEY"] = str(key_file(key["variable"]))
        for name, value in case.get("env", {}).items():
            self.env[name] = re.sub(r"@(\w+)", lambda match: str(SIGNERS[match[1]]), value)
        if "home" in key:
            shutil.copyfile(key_file(key["home"]), self.home / "owner.key")
        self.key_path = str(self._own_key(key["file"])) if "file" in key else None
        self.key_str = key_file(key["text"]).read_text("utf-8") if "text" in key else None
        if "history" in case:
            shutil.copytree(_history(tuple(case["history"])), machine, dirs_exist_ok=True)
        if "vault" in case:
            lay(self.repository / ".agent-vault", case["vault"], case.get("change", []))
        if "trust" in case:
            self._trust_file.parent.mkdir()
            shutil.copyfile(FIXTURES / "trust" / case["trust"], self._trust_file)

    def _own_key(self, name: str) -> Path:
        """A key of the fixtures, in a file that nobody else can read."""
        file = self.machine / "keys" / Path(name).name
        file.parent.mkdir(exist_ok=True)
        # A case may name one that does not exist.
        if key_file(name).exists():
            shutil.copyfile(key_file(name), file)
            file.chmod(0o600)
        return file

    @property
    def remote(self) -> Path:
        return self.machine / "remote.git"

    def push(self, vault: str | None, change: list[dict[str, Any]]) -> None:
        """Commits a vault on top of the remote's branch; `None` removes the remote."""
        if vault is None:
            self.remote.rename(self.machine / "gone.git")
            return
        clone = self.machine / "clone"
        git(self.machine, "clone", "--quiet", str(self.remote), str(clone))
        _commit(clone, vault, change)
        git(clone, "push", "--quiet")

    def fetch_again(self) -> None:
        """Forgets that the remote was asked a moment ago."""
        file = self.repository / ".git" / "agent-vault" / "fetched.json"
        if file.exists():
            file.write_text(json.dumps({**json.loads(file.read_text()), "triedAt": 0, "fetchedAt": 0}))

    def remembered(self) -> str | None:
        """What the machine remembers: a file of the fixtures whose newest state it is, some other text, or `None` for nothing."""
        file = next((file for file in (self.memory_file, self._trust_file) if file.exists()), None)
        if file is None:
            return None
        text = file.read_text("utf-8")
        for known in (FIXTURES / "trust").iterdir():
            seen = known.read_text("utf-8")
            newest = re.search(r'"lock": "sha256:[0-9a-f]{64}"', seen)
            if seen == text or (file == self.memory_file and newest and newest[0] in text):
                return known.name
        return text

    @property
    def memory_file(self) -> Path:
        return self._trust_file.with_suffix("") / "memory.json"

    @property
    def _trust_file(self) -> Path:
        vault = json.loads((FIXTURES / "trust" / "second.json").read_text("utf-8"))["vault"]
        return self.home / "trust" / f"{vault}.json"


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def lay(root: Path, vault: str, change: list[dict[str, Any]]) -> None:
    """Lays a vault of the fixtures into a folder, and changes it."""
    for folder in _folders_of(vault):
        # With its old time git may take a new file of the same length for the former one.
        shutil.copytree(folder, root, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for one in change:
        _apply(root, one)


def _apply(root: Path, change: dict[str, Any]) -> None:
    if "write" in change:
        file = root / change["write"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(change["base64"]) if "base64" in change else change["text"].encode())
    elif "remove" in change:
        path = root / change["remove"]
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif "swap" in change:
        a, b = (root / name for name in change["swap"])
        contents = a.read_bytes(), b.read_bytes()
        b.write_bytes(contents[0])
        a.write_bytes(contents[1])
    elif "link" in change:
        (root / change["link"]).unlink(missing_ok=True)
        os.symlink(change["to"], root / change["link"])
    else:
        found = [folder / change["take"] for folder in _folders_of(change["of"]) if (folder / change["take"]).exists()]
        (root / change["take"]).write_bytes(found[-1].read_bytes() + change.get("append", "").encode())


@functools.cache
def _history(vaults: tuple[str, ...]) -> Path:
    """A repository with a history and its remote, made once for all cases that have it."""
    folder = Path(tempfile.mkdtemp(prefix="agent-vault-history-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    repository, remote = folder / "repository", folder / "remote.git"
    repository.mkdir()
    git(repository, "init", "--quiet")
    for vault in vaults:
        _commit(repository, vault, [])
    git(repository, "init", "--quiet", "--bare", str(remote))
    git(repository, "remote", "add", "origin", "../remote.git")
    git(repository, "push", "--quiet", "--set-upstream", "origin", "main")
    return folder


def _commit(repository: Path, vault: str, change: list[dict[str, Any]]) -> None:
    root = repository / ".agent-vault"
    if root.exists():
        shutil.rmtree(root)
    lay(root, vault, change)
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", vault)


def _folders_of(vault: str) -> list[Path]:
    return [FIXTURES / "vaults" / folder for folder in _VAULTS[vault]]
