"""Fetches refs of a remote into refs of our own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from .errors import GitError, no_such_ref
from .full_ref import is_full_ref
from .partial_clone import PARTIAL_FETCH, is_partial_clone
from .remote import ask_remote
from .repository import GitRepository

#: Where agent-vault's own refs are, which no person's command moves.
_OWN_REFS = "refs/agent-vault/"


def own_ref(remote: str, ref: str) -> str:
    """Our own ref for what a ref of a remote was at. `remote` is in its one spelling."""
    return f"{_OWN_REFS}{hashlib.sha256(remote.encode()).hexdigest()[:16]}/{ref.removeprefix('refs/')}"


def fetch_refs(repository: GitRepository, remote: str, refs: Mapping[str, str]) -> None:
    """
    Fetches refs by their whole names, each into one of ours, and moves no others: no tracking ref, no tag, not FETCH_HEAD.

    A ref may go back, because what may is judged elsewhere. `remote` is the name of a remote, or a URL. Raises `GIT_FAILED`, of the kind
    `no_such_ref` if the remote lacks one of them.
    """
    assert all(is_full_ref(ref) for pair in refs.items() for ref in pair)
    args = [
        *("-c", "fetch.output=full", "-c", "fetch.writeCommitGraph=false", *_keeping_head(remote)),
        *(PARTIAL_FETCH if is_partial_clone(repository.work_tree) else ()),
        *("fetch", "--refmap="),
        *(
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-tags",
            "--no-prune",
            "--no-recurse-submodules",
            "--verbose",
            "--progress",
        ),
        *("--", remote, *(f"+{source}:{target}" for source, target in refs.items())),
    ]
    try:
        said = ask_remote(repository, args).stderr
    except GitError as failure:
        if not _remove_obstacles(repository, failure):
            raise
        said = ask_remote(repository, args).stderr
    _require_whole_names(repository, said.decode("utf-8", "replace"), refs)


def _keeping_head(remote: str) -> list[str]:
    """Later versions of git (2.48) make `refs/remotes/NAME/HEAD` with each fetch, where there is none."""
    return ["-c", f"remote.{remote}.followRemoteHEAD=never"] if re.fullmatch(r"[\w-]+", remote, re.ASCII) else []


def _remove_obstacles(repository: GitRepository, failure: GitError) -> bool:
    """
    A branch `a` of the remote that is gone keeps `a/b` from being fetched, and the other way round. Our own refs of what is gone make room.

    Whether there was such a ref.
    """
    if failure.kind != "locked_ref":
        return False
    obstacles = set(re.findall(r"'(refs/agent-vault/[^']+)' exists; cannot create", failure.stderr))
    for ref in obstacles:
        repository.run(["update-ref", "-d", ref])
    return bool(obstacles)


def _require_whole_names(repository: GitRepository, said: str, refs: Mapping[str, str]) -> None:
    """
    git looks a name that the remote lacks up as an abbreviation, so a tag or branch called `refs/heads/main` would stand in for the branch
    main that is gone. git's own list says of which ref it was, in its short form.
    """
    fetched = {target: source for source, target in re.findall(r"^ .+?\s(\S+) +-> (\S+)", said, re.MULTILINE)}
    wrong = [
        (source, target)
        for source, target in refs.items()
        if target in fetched and fetched[target] != re.sub(r"^refs/(?:heads|tags|remotes)/", "", source)
    ]
    for _, target in wrong:
        repository.run(["update-ref", "-d", target])
    if wrong:
        raise no_such_ref(wrong[0][0])
