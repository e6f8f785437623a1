"""Where a repository keeps what it knows, without running git."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass


@dataclass(frozen=True)
class GitFolders:
    """The folders of a repository."""

    work_tree: str
    #: The folder of this work tree's own state: index, HEAD.
    git_dir: str
    #: The folder that all work trees of the repository share: configuration, branches, objects.
    common_dir: str

    @property
    def change_folder(self) -> str:
        """agent-vault's own folder: the write lock, and what was fetched."""
        return os.path.join(self.git_dir, "agent-vault")


def find_git_folders(folder: str) -> GitFolders | None:
    """
    The nearest repository at or above a folder, also in a linked work tree or a submodule, whose `.git` is a file.

    What cannot be read is left to git: the folders then hold nothing.
    """
    while True:
        dot_git = os.path.join(folder, ".git")
        try:
            mode = os.stat(dot_git).st_mode
        except OSError:
            above = os.path.dirname(folder)
            if above == folder:
                return None
            folder = above
            continue
        named = re.search("^gitdir: ([^\r\n\u2028\u2029]+)", read_text(dot_git) or "", re.MULTILINE) if stat.S_ISREG(mode) else None
        git_dir = os.path.abspath(os.path.join(folder, named[1])) if named else dot_git
        common = (read_text(os.path.join(git_dir, "commondir")) or "").strip()
        return GitFolders(folder, git_dir, os.path.abspath(os.path.join(git_dir, common)))


def read_text(file: str) -> str | None:
    """A file of git's, `None` if it cannot be read. Bytes that are no text stay what they are in the names of files."""
    try:
        with open(file, "rb") as opened:
            return os.fsdecode(opened.read())
    except OSError:
        return None
