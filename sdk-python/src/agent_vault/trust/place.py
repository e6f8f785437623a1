"""Where a state comes from, which decides against what it is compared."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..git.git_folders import find_git_folders, read_text
from ..git.may_have_remote import may_have_remote
from ..lock.state_ref import StateRef
from ..text.utf8 import readable


@dataclass(frozen=True)
class FolderPlace:
    """A folder in no repository: nothing but this machine's memory says what came before."""


@dataclass(frozen=True)
class LocalPlace:
    """A repository without a remote."""

    #: Its git folder.
    clone: str
    #: The branch that is checked out.
    ref: str


@dataclass(frozen=True)
class CheckoutPlace:
    """The work tree of a clone, which may have any branch: what its remote was seen to have judges beside it."""


@dataclass(frozen=True)
class FetchedPlace:
    """A ref of a remote as it was fetched."""

    #: The one spelling of its URL.
    remote: str
    ref: str
    #: Whether it is the vault's main one.
    is_home: bool
    #: What was fetched of it.
    commit: str
    #: The vault's folder in the repository, with `/`.
    path: str
    #: The id of the vault that is in the work tree.
    vault: str | None = None
    #: A state that a commit before this one has and that follows this one: older files were committed on top.
    superseded: StateRef | None = None


Place = FolderPlace | LocalPlace | CheckoutPlace | FetchedPlace


def work_tree_place(root: str, env: Mapping[str, str]) -> Place:
    """The place of a vault's work tree. No program is started, because every read comes through here."""
    folders = find_git_folders(os.path.dirname(root))
    if folders is None:
        return FolderPlace()
    if may_have_remote(os.path.dirname(root), env):
        return CheckoutPlace()
    head = re.search(r"^ref: (.+)$", read_text(os.path.join(folders.git_dir, "HEAD")) or "", re.MULTILINE)
    return LocalPlace(readable(os.path.realpath(folders.common_dir)), readable(head[1]) if head else "HEAD")
