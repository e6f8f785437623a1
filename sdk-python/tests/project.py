"""A repository that has code and a vault, its bare remote, and an owner who changes it with the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from conftest import COMMAND_LINE
from scene import git

from agent_vault import Vault, VaultError


class Project:
    """All paths are below one folder, so that a project can be copied."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = root / "project"
        self.remote = root / "remote.git"
        self.bot_key = root / "bot.key"
        self._jobs = 0

    @staticmethod
    def make(root: Path) -> Project:
        project = Project(root)
        project.repository.mkdir()
        git(project.repository, "init", "--quiet")
        project.change("init", "--no-hook")
        project.set("one")
        project.change("add-agent", "bot", "--out", str(project.bot_key))
        project.change("grant", "bot", "stripe")
        git(project.repository, "init", "--quiet", "--bare", str(project.remote))
        git(project.repository, "remote", "add", "origin", "../remote.git")
        git(project.repository, "push", "--quiet", "--set-upstream", "origin", "main")
        return project

    def change(self, *words: str, value: str = "") -> bytes:
        """The owner changes the vault. What they remember is not what the machine of the reader does."""
        env = {**os.environ, "AGENT_VAULT_HOME": str(self.root / "owner-home"), "AGENT_VAULT_AUDIT": "off"}
        return subprocess.run(
            ["node", str(COMMAND_LINE), *words], cwd=self.repository, env=env, input=value.encode(), check=True, capture_output=True
        ).stdout

    def set(self, value: str) -> None:
        self.change("set", "stripe/api-key", value=value)

    def set_policy(self, rule: str) -> None:
        """A policy that allows everything, or denies it."""
        policy = f'version: 1\nrules:\n  - secrets: "**"\n    {rule}: {{actions: [get, read]}}\n'
        (self.repository / ".agent-vault" / "policy.yaml").write_text(policy)
        digest = json.loads(self.change("sign", "--dry-run", "--json"))["digest"]
        self.change("sign", "--yes", digest)

    def push(self, *words: str) -> None:
        git(self.repository, "push", "--quiet", "--force", "origin", *(words or ("main",)))

    def checkout(self, ref: str = "refs/heads/main") -> Path:
        """A clone as a CI runner makes it: one commit of one ref, HEAD detached."""
        self._jobs += 1
        clone = self.root / f"job-{self._jobs}"
        clone.mkdir()
        git(clone, "init", "--quiet")
        git(clone, "remote", "add", "origin", f"file://{self.remote}")
        git(clone, "fetch", "--quiet", "--depth=1", "--no-tags", "origin", f"+{ref}:refs/remotes/ci/checkout")
        git(clone, "checkout", "--quiet", "--detach", "refs/remotes/ci/checkout")
        return clone

    def clone(self) -> Path:
        """A clone of a person."""
        self._jobs += 1
        git(self.root, "clone", "--quiet", str(self.remote), f"clone-{self._jobs}")
        return self.root / f"clone-{self._jobs}"

    def read(self, clone: Path, *, auto_pull: bool = True) -> str:
        """The value, or the code of the error."""
        try:
            return Vault(clone, self.bot_key, auto_pull=auto_pull).get("stripe/api-key")
        except VaultError as failure:
            return failure.code

    def job(self, ref: str = "refs/heads/main") -> str:
        """A fresh clone, one read, and the clone is gone."""
        clone = self.checkout(ref)
        answer = self.read(clone)
        shutil.rmtree(clone)
        return answer
