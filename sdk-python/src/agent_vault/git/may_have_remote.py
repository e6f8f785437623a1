"""Whether a repository has a remote, without running git."""

from __future__ import annotations

import os


def may_have_remote(folder: str) -> bool:
    """Whether the repository that contains `folder` may have a remote, by its configuration file. Most reads need nothing else of git."""
    while True:
        git = os.path.join(folder, ".git")
        if os.path.isdir(git) and not os.path.islink(git):
            try:
                with open(os.path.join(git, "config"), "rb") as opened:
                    return b"[remote " in opened.read()
            except OSError:
                # git will say what is wrong.
                return True
        if os.path.lexists(git):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above
