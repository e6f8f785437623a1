"""Clones without the contents of files, which are fetched by their ids, all at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .git_folders import find_git_folders, read_text
from .remote import ask_remote
from .repository import GitRepository

#: The setting that says that a clone of ours lacks the contents of files. git's own setting would have it fetch each one by itself.
_MARK = "agent-vault.partialClone"
_MARKED = re.compile(r"^\s*\[agent-vault\][^\[]*?^\s*partialClone\s*=\s*true\s*$", re.MULTILINE | re.IGNORECASE)
#: Filters the contents of files out, for the one git that fetches.
PARTIAL_FETCH = ("-c", "remote.origin.promisor=true", "-c", "remote.origin.partialCloneFilter=blob:none")
#: More bytes of a listing than these are not read.
_MAX_LISTING_BYTES = 32 * 1024 * 1024


def mark_partial_clone(repository: GitRepository) -> None:
    """
    Makes a partial clone that git has made one of ours.

    git takes it for whole, so that what it lacks is missing and never fetched while something is read.
    """
    for name in ("remote.origin.promisor", "remote.origin.partialCloneFilter", "extensions.partialClone"):
        repository.try_run(["config", "--unset-all", name])
    repository.run(["config", _MARK, "true"])


def is_partial_clone(folder: str) -> bool:
    """Whether the repository around a folder is a partial clone of ours. No program is started."""
    folders = find_git_folders(folder)
    return folders is not None and _MARKED.search(read_text(os.path.join(folders.common_dir, "config")) or "") is not None


def is_promisor_clone(folder: str) -> bool:
    """Whether a person cloned the repository in part: git would fetch each object when it is read. No program is started."""
    folders = find_git_folders(folder)
    config = read_text(os.path.join(folders.common_dir, "config")) if folders else None
    return re.search(r"^\s*promisor\s*=\s*true\s*$", config or "", re.MULTILINE | re.IGNORECASE) is not None


@dataclass(frozen=True)
class WantedFiles:
    """Files of a revision; a slash at the end of a path asks for the files that are directly in a folder."""

    revision: str
    #: From the root.
    paths: Sequence[str]
    #: With all below the folders.
    recursive: bool = False
    #: Leaves out the others of these files.
    only: Callable[[str], bool] = lambda path: True


def missing_files(repository: GitRepository, wanted: WantedFiles) -> dict[str, str]:
    """The ids of the files that a partial clone lacks, each with its path. Raises `GIT_FAILED` if they are more than any folder has."""
    words = ["ls-tree", "-z", "--full-tree", *(["-r"] if wanted.recursive else []), wanted.revision, "--", *wanted.paths]
    listing = os.fsdecode(repository.run(words, max_bytes=_MAX_LISTING_BYTES))
    missing = _missing_below(repository, [f"{wanted.revision}^{{tree}}", "--", *_literal(wanted.paths)])
    found = re.findall(r"(?:^|\0)\d+ blob ([0-9a-f]+)\t([^\0]+)", listing) if missing else []
    return {object_id: path for object_id, path in found if object_id in missing and wanted.only(path)}


def missing_in_history(repository: GitRepository, revision: str, paths: Sequence[str]) -> set[str]:
    """All blobs that files have had in the commits behind a revision and that a partial clone lacks. Raises as `missing_files`."""
    return _missing_below(repository, ["--full-history", revision, "--", *_literal(paths)])


def fetch_blobs(repository: GitRepository, remote: str, ids: set[str], max_bytes: int) -> None:
    """Fetches blobs by their ids, all at once, and no more bytes than these. Raises `GIT_FAILED`."""
    if not ids:
        return
    partial = PARTIAL_FETCH if is_partial_clone(repository.work_tree) else ()
    config = ["-c", "fetch.negotiationAlgorithm=noop", "-c", "fetch.writeCommitGraph=false", *partial]
    options = ["--refmap=", "--no-write-fetch-head", "--no-auto-maintenance", "--no-tags", "--no-recurse-submodules"]
    args = [*config, "fetch", *options, "--progress", "--filter=blob:none", "--stdin", "--", remote]
    ask_remote(repository, args, "".join(f"{object_id}\n" for object_id in sorted(ids)).encode("ascii"), max_bytes)


def _missing_below(repository: GitRepository, revisions: Sequence[str]) -> set[str]:
    """What rev-list finds to be missing: unlike most commands it does not fetch it."""
    words = ["rev-list", "--objects", "--no-object-names", "--missing=print", *revisions]
    listing = repository.run(words, max_bytes=_MAX_LISTING_BYTES).decode("ascii", "replace")
    return set(re.findall(r"^\?([0-9a-f]+)$", listing, re.MULTILINE))


def _literal(paths: Sequence[str]) -> list[str]:
    return [f":(top,literal){path}" for path in paths]
