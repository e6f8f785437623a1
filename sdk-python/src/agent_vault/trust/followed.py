"""What a clone follows."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..git.errors import GitError
from ..git.full_ref import is_full_ref
from ..git.git_folders import GitFolders, read_text
from ..git.remote_spelling import spell_remote
from ..git.repository import GitRepository


@dataclass(frozen=True)
class Followed:
    """A remote, and what the branch that is checked out follows there."""

    #: The remote's name in the clone's configuration, such as `origin`.
    name: str
    #: The one spelling of its URL.
    remote: str
    #: The upstream of the branch by its full name; `None` if HEAD is detached or the branch follows nothing.
    upstream: str | None
    #: The ref that the clone took for the remote's main one when it was made, by `refs/remotes/NAME/HEAD`.
    default: str | None


def followed_by(repository: GitRepository, folders: GitFolders, preferred: str | None = None) -> Followed | None:
    """
    The upstream of the branch that is checked out; without one, the remote alone. `None` without a remote. Raises `GIT_FAILED`.

    `preferred` is the name of the remote that is meant without an upstream, if the clone has it; `origin` if it is not given.
    """
    settings = _read_settings(repository)
    branch = _checked_out_branch(repository, folders)

    def last(name: str) -> str | None:
        return settings[name][-1] if name in settings else None

    remotes = [match[1] for name in settings if (match := re.fullmatch(r"remote\.(.+)\.url", name, re.DOTALL))]
    upstream_remote, merge = last(f"branch.{branch}.remote"), last(f"branch.{branch}.merge")
    is_following = bool(branch) and upstream_remote not in (None, ".") and merge is not None and is_full_ref(merge)
    named = next((one for one in (preferred, "origin", *remotes) if one in remotes), None)
    name = upstream_remote if is_following else named
    if name is None:
        return None
    # A branch may follow a URL that is no remote of its own.
    url = _with_instead_of(settings.get(f"remote.{name}.url", [name])[0], settings)
    # The name of a remote, like that of a branch, may have slashes.
    head = read_text(os.path.join(folders.common_dir, "refs", "remotes", name, "HEAD")) or ""
    default = re.search(rf"^ref: refs/remotes/{re.escape(name)}/(.+)$", head, re.MULTILINE)
    return Followed(
        name=name,
        remote=spell_remote(url, folders.work_tree),
        upstream=merge if is_following else None,
        default=f"refs/heads/{default[1]}" if default else None,
    )


def _read_settings(repository: GitRepository) -> Mapping[str, list[str]]:
    """git's settings by their names, each with its values in order."""
    settings: dict[str, list[str]] = {}
    for entry in repository.run(["config", "--null", "--list"]).decode("utf-8", "replace").split("\0"):
        name, _, value = entry.partition("\n")
        settings.setdefault(name, []).append(value)
    return settings


def _with_instead_of(url: str, settings: Mapping[str, list[str]]) -> str:
    """The longest `url.BASE.insteadOf` that a URL begins with is replaced by its base (git-config)."""
    best, base = "", ""
    for name, prefixes in settings.items():
        candidate = re.fullmatch(r"url\.(.+)\.insteadof", name, re.DOTALL)
        for prefix in prefixes if candidate else ():
            if url.startswith(prefix) and len(prefix) > len(best):
                best, base = prefix, candidate[1] if candidate else ""
    return f"{base}{url[len(best) :]}" if best else url


def _checked_out_branch(repository: GitRepository, folders: GitFolders) -> str | None:
    """The branch's name without `refs/heads/`; `None` if HEAD is detached."""
    head = read_text(os.path.join(folders.git_dir, "HEAD")) or ""
    match = re.search(r"^ref: (.+)$", head, re.MULTILINE)
    ref = match[1] if match else None
    if ".invalid" in head:
        # Where refs lie in a table of git's own, the file says nothing.
        try:
            ref = os.fsdecode(repository.run(["symbolic-ref", "--quiet", "HEAD"])).strip()
        except GitError:
            ref = None
    return ref.removeprefix("refs/heads/") if ref and ref.startswith("refs/heads/") else None
