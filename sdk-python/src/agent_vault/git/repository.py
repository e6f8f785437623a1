"""A git repository."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .environment import git_environment
from .errors import GitError
from .git_folders import GitFolders
from .run_git import run_git


@dataclass(frozen=True)
class GitRepository:
    """A git repository with a work tree. `git_dir` is the folder of this work tree's own state, such as index and HEAD."""

    work_tree: str
    git_dir: str
    env: Mapping[str, str]
    #: Variables for a git that talks to a remote, and for no other.
    remote_env: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def find(folder: str, env: Mapping[str, str]) -> GitRepository | None:
        """The repository that contains a folder; `None` without a repository or without git. Raises `GIT_FAILED`."""
        environment = git_environment(env)
        try:
            output = run_git(folder, environment, ["rev-parse", "--show-toplevel", "--absolute-git-dir"])
        except GitError as failure:
            if failure.kind in ("missing", "not_a_repository"):
                return None
            raise
        work_tree, git_dir = os.fsdecode(output).rstrip("\n").split("\n")[:2]
        return GitRepository(os.path.abspath(work_tree), os.path.abspath(git_dir), environment)

    @staticmethod
    def locate(folders: GitFolders, env: Mapping[str, str]) -> GitRepository:
        """As `find`, without running git."""
        return GitRepository(folders.work_tree, folders.git_dir, git_environment(env))

    @staticmethod
    def at(folder: str, env: Mapping[str, str]) -> GitRepository:
        """The repository around a folder in which git is to run, for reading its objects alone."""
        return GitRepository(folder, "", git_environment(env))

    @property
    def lock_folder(self) -> str:
        """Where processes that change the vault claim the write lock."""
        return os.path.join(self.git_dir, "agent-vault")

    def run(self, args: Sequence[str], stdin: bytes = b"", max_bytes: int | None = None) -> bytes:
        """The standard output of a git command in the work tree; more than `max_bytes` end it. Raises `GIT_FAILED`."""
        return run_git(self.work_tree, self.env, args, stdin, max_bytes)

    def try_run(self, args: Sequence[str]) -> str | None:
        """The output as text, or `None` if git fails. Raises `GIT_MISSING`."""
        try:
            return os.fsdecode(self.run(args))
        except GitError as failure:
            if failure.kind == "missing":
                raise
            return None

    def path_of(self, folder: str) -> str:
        """A folder of the work tree as git names it: relative, with `/`."""
        real = os.path.join(os.path.realpath(os.path.dirname(folder)), os.path.basename(folder))
        return os.path.relpath(real, os.path.realpath(self.work_tree)).replace(os.sep, "/")
