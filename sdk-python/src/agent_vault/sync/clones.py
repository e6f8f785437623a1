"""The clones of repositories that are named by their URLs. The command line and the Node SDK use the same ones."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..context import home_folder
from ..disk.write_lock import write_lock
from ..errors import VaultError, error
from ..files.vault_files import VaultFiles
from ..format.layout import VAULT_FOLDER
from ..git.environment import git_environment
from ..git.errors import GitError
from ..git.full_ref import is_object_id
from ..git.git_folders import read_text
from ..git.partial_clone import mark_partial_clone
from ..git.remote import ask_remote
from ..git.remote_refs import list_remote
from ..git.remote_url import RepositoryUrl, authorization_variables
from ..git.repository import GitRepository
from ..keys.key_file import Keys
from ..trust.trust_context import TrustContext
from ..trust.verify import verify
from .ask_remote import ask_for_states
from .fetch_record import read_fetch_record

#: The branch that a clone with a ref is on, which is never born: what it follows is that ref.
_FOLLOWING_BRANCH = "agent-vault"
#: How long a process waits for another that makes the same clone, and for one that fetches.
_CLONE_TIMEOUT_S, _FETCH_TIMEOUT_S = 300.0, 20.0
#: What the remote cannot be the reason of, or does not give this clone but may give a new one.
_DAMAGE = frozenset({"other", "cut_short", "not_a_repository", "too_much_output", "lock_held"})


@dataclass(frozen=True)
class CloneFolder:
    """Where the clone of a URL is, where processes claim that they change it, and where what is not in place yet is made."""

    repository: str
    locks: str
    drafts: str

    @property
    def root(self) -> str:
        """The vault's folder."""
        return os.path.join(self.repository, VAULT_FOLDER)

    def has_repository(self) -> bool:
        """As far as can be seen without git, which would look for another one above if there is none."""
        git = os.path.join(self.repository, ".git")
        return (
            re.match(r"ref: refs/|[0-9a-f]{40}", read_text(os.path.join(git, "HEAD")) or "") is not None
            and re.search(r'^\s*\[remote "origin"\]', read_text(os.path.join(git, "config")) or "", re.MULTILINE) is not None
            and all(os.path.exists(os.path.join(git, name)) for name in ("objects", "refs"))
        )


def existing_clone(url: RepositoryUrl, env: Mapping[str, str]) -> CloneFolder | None:
    """The clone that was made before."""
    return next((folder for folder in _folders(url, env) if folder.has_repository()), None)


def clone_of(url: RepositoryUrl, keys: Keys | None, env: Mapping[str, str], *, damaged: CloneFolder | None = None) -> CloneFolder:
    """
    The clone of a URL, which is made if there is none, by one process while others wait. Nothing of it is ever checked out.

    A `damaged` one is replaced by a new one once that is verified. Raises `GIT_FAILED`, `VAULT_NOT_FOUND`, `UNWRITABLE`, `BUSY`, and as
    `verify`.
    """
    present = existing_clone(url, env)
    if present and damaged is None:
        return present
    folder = next((one for one in _folders(url, env) if _is_writable(one)), _folders(url, env)[0])
    with write_lock(folder.locks, _CLONE_TIMEOUT_S):
        present = existing_clone(url, env)
        if present and damaged is None:
            return present
        shutil.rmtree(folder.drafts, ignore_errors=True)
        os.makedirs(folder.drafts, mode=0o700, exist_ok=True)
        name = secrets.token_hex(6)
        draft, former = os.path.join(folder.drafts, f"new-{name}"), os.path.join(folder.drafts, f"former-{name}")
        try:
            _clone_into(url, draft, keys, env)
            if os.path.exists(folder.repository):
                os.rename(folder.repository, former)
            os.rename(draft, folder.repository)
        finally:
            shutil.rmtree(folder.drafts, ignore_errors=True)
    return folder


def refresh_clone(
    url: RepositoryUrl, folder: CloneFolder, context: TrustContext, *, on_purpose: bool, is_needed: Callable[[], bool]
) -> None:
    """Asks the remote of a clone, one process at a time, if that `is_needed` once others are done. Raises as `fetch_states`."""
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(write_lock(folder.locks, _FETCH_TIMEOUT_S))
        except VaultError as failure:
            # Another one fetches the same; and what cannot be written can be read all the same.
            if failure.code == "BUSY":
                return
            if failure.code != "UNWRITABLE":
                raise
        if is_needed():
            ask_for_states(context, on_purpose=on_purpose, url=url)


def is_damage(failure: VaultError) -> bool:
    """Whether an error says that a clone is damaged: objects are missing or cannot be read."""
    return failure.kind in _DAMAGE if isinstance(failure, GitError) else failure.code in ("GIT_FAILED", "REPOSITORY_NOT_FOUND")


def _folders(url: RepositoryUrl, env: Mapping[str, str]) -> list[CloneFolder]:
    """At home, and in the system's folder for what is temporary if only the user can write there."""
    user = os.getuid() if hasattr(os, "getuid") else "cache"
    temporary = os.path.join(tempfile.gettempdir(), f"agent-vault-{user}")
    text = url.address if url.ref is None else f"{url.address}#{url.ref}"
    name = f"url-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    caches = [os.path.join(home_folder(env), "cache"), *([temporary] if _is_own(temporary) else [])]
    folders = [os.path.join(cache, name) for cache in caches]
    return [CloneFolder(*(os.path.join(folder, part) for part in ("repository", "locks", "drafts"))) for folder in folders]


def _is_own(folder: str) -> bool:
    """Whether nobody else can have made the folder, or can write to it."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return os.path.isdir(folder) and not os.path.islink(folder) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _is_writable(folder: CloneFolder) -> bool:
    try:
        os.makedirs(folder.locks, mode=0o700, exist_ok=True)
    except OSError:
        return False
    return os.access(folder.locks, os.W_OK)


def _clone_into(url: RepositoryUrl, draft: str, keys: Keys | None, env: Mapping[str, str]) -> None:
    """In part, or as a whole if the remote does not give single files."""
    try:
        _clone_and_verify(url, draft, keys, env, partial=True)
    except GitError as failure:
        if failure.kind not in ("other", "cut_short"):
            raise
        shutil.rmtree(draft, ignore_errors=True)
        _clone_and_verify(url, draft, keys, env, partial=False)


def _clone_and_verify(url: RepositoryUrl, draft: str, keys: Keys | None, env: Mapping[str, str], *, partial: bool) -> None:
    environment = git_environment(env)
    outside = GitRepository(os.path.dirname(draft), "", environment, authorization_variables(environment, url))
    part = ["--filter=blob:none", "--single-branch", "--no-tags"] if partial else []
    ask_remote(outside, ["clone", "--quiet", "--progress", "--no-checkout", "--template=", *part, "--", url.address, draft])
    repository = GitRepository(draft, os.path.join(draft, ".git"), environment, outside.remote_env)
    if partial:
        mark_partial_clone(repository)
    _follow(repository, url)
    root = os.path.join(draft, VAULT_FOLDER)
    context = TrustContext(root, keys, env)
    ask_for_states(context, must_answer=True, url=url)
    _verify(context, repository, url)


def _follow(repository: GitRepository, url: RepositoryUrl) -> None:
    """Has a clone follow its URL's ref, or without one the vault's main ref, whatever the remote's HEAD names later."""
    commit = (repository.try_run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) or "").strip()
    if url.ref is None:
        if is_object_id(commit):
            repository.run(["update-ref", "--no-deref", "HEAD", commit])
        return
    refs = list_remote(repository, "origin").refs
    candidates = [url.ref] if url.ref.startswith("refs/") else [f"refs/heads/{url.ref}", f"refs/tags/{url.ref}"]
    ref = next((candidate for candidate in candidates if candidate in refs), None)
    if ref is None:
        message = f"The repository {url.address} has no branch or tag {url.ref}."
        raise error("VAULT_NOT_FOUND", message, "See what it has: git ls-remote URL.")
    repository.run(["symbolic-ref", "HEAD", f"refs/heads/{_FOLLOWING_BRANCH}"])
    if is_object_id(commit):
        repository.run(["update-ref", f"refs/heads/{_FOLLOWING_BRANCH}", commit])
    repository.run(["config", f"branch.{_FOLLOWING_BRANCH}.remote", "origin"])
    repository.run(["config", f"branch.{_FOLLOWING_BRANCH}.merge", ref])


def _verify(context: TrustContext, repository: GitRepository, url: RepositoryUrl) -> None:
    from ..files.commit_files import CommitFiles

    record = read_fetch_record(context.root, context.folders)
    tip = None if record is None else record.home if url.ref is None else record.upstream
    if record is None or tip is None or tip.commit is None or tip.lock is None:
        message = f"The repository {url.address} has no vault at its root."
        raise error("VAULT_NOT_FOUND", message, "Check the URL; a vault that is deeper in a repository is read from a clone of yours.")
    files = VaultFiles(CommitFiles(repository, tip.commit, context.root))
    trusted = verify(context, files, record.place_of(tip))
    files.require_all()
    if trusted:
        trusted.remember()
