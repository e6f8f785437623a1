"""The remote branch that the checked-out branch follows."""

from __future__ import annotations

from dataclasses import dataclass

from ..files.commit_files import CommitFiles, CommitTop
from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from ..format.file_source import FileReader, FileSource
from ..format.layout import CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE
from ..git.repository import GitRepository
from ..lock.open_lock import SignedLock, try_open_lock
from ..text.credentials import without_credentials
from .compare_remote import Offer, verify_remote
from .lock_history import find_newer_state
from .trust_context import TrustContext


@dataclass(frozen=True)
class Upstream:
    """A branch of a remote, as it was last fetched."""

    #: The commit that is checked out.
    head: str
    #: The commit of the remote's branch.
    commit: str
    #: Such as `origin/main`.
    name: str
    #: Its name in the trust store: the URL without credentials, and the branch.
    id: str


def find_upstream(repository: GitRepository) -> Upstream | None:
    """The upstream of the checked-out branch, or `None` if it has none."""
    tips = (repository.try_run(["rev-parse", "HEAD", "@{upstream}", "--abbrev-ref", "@{upstream}"]) or "").split("\n")
    ref = (repository.try_run(["symbolic-ref", "--quiet", "HEAD"]) or "").strip()
    if len(tips) < 3 or not ref:
        return None
    form = "--format=%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)"
    remote, branch, tracking = [*(repository.try_run(["for-each-ref", form, ref]) or "").rstrip().split("\0"), "", "", ""][:3]
    if not remote or not branch or not tracking:
        return None
    url = (repository.try_run(["remote", "get-url", remote]) or remote).strip()
    return Upstream(tips[0], tips[1], tips[2], f"{without_credentials(url)} {branch}")


def verify_upstream(context: TrustContext, repository: GitRepository, upstream: Upstream, *, is_update: bool) -> None:
    """Verifies what was fetched from an upstream: all files if it `is_update`, else the lock. Raises as `verify_remote`."""
    root, commit = context.root, upstream.commit
    source: FileSource = (
        CommitFiles(repository, commit, root)
        if is_update
        else CommitTop(repository, commit, root, (LOCK_FILE, LOCK_SIGNATURE_FILE, CONFIG_FILE))
    )
    offered = _lock_in(source)
    verify_remote(
        context,
        Offer(
            files=VaultFiles(source),
            remote=upstream.id,
            present=_lock_in(VaultFolder(root)),
            newer=find_newer_state(repository, root, commit, offered) if offered else None,
            is_update=is_update,
        ),
    )


def _lock_in(files: FileReader) -> SignedLock | None:
    return try_open_lock(files.read(LOCK_FILE), files.read(LOCK_SIGNATURE_FILE))
