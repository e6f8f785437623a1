"""What was last fetched for the vault of a clone. The command line and the Node SDK use the same file."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..disk.atomic_file import write_atomically
from ..format.layout import CONFIG_FILE
from ..git.git_folders import GitFolders, find_git_folders
from ..lock.digest import digest_of
from ..lock.state_ref import StateRef
from ..trust.place import FetchedPlace


@dataclass(frozen=True)
class FetchedTip:
    """A remote's ref as it was fetched."""

    #: Its full name on the remote, such as `refs/heads/main`.
    ref: str
    #: Whether it is the vault's main one.
    is_home: bool = False
    #: `None` if the remote has no such ref.
    commit: str | None = None
    #: The digest of the `vault.lock` in that commit, by whomever it was signed; `None` if it has no vault.
    lock: str | None = None
    #: A state that follows the one in that commit, and that a commit behind it has.
    superseded: StateRef | None = None
    #: Whether all files of the vault are here that should be; `None`, which is yes, except in a partial clone.
    is_whole: bool | None = None


@dataclass(frozen=True)
class FetchRecord:
    """What a remote said, of which nothing was checked out. Times are in milliseconds since 1970."""

    #: When the remote was last asked.
    tried_at: int
    #: The vault's `pull_interval`, in seconds.
    interval_s: float
    #: The one spelling of the remote's URL.
    remote: str = ""
    #: The vault's folder in the repository, with `/`.
    path: str = ""
    #: When the remote last answered; `None` if it never did.
    fetched_at: int | None = None
    #: The id of the vault in the work tree, or of the one that was fetched; unverified.
    vault: str | None = None
    #: The vault's main ref there.
    home: FetchedTip | None = None
    #: The ref that the checked-out branch follows.
    upstream: FetchedTip | None = None

    def place_of(self, tip: FetchedTip, vault: str | None = None) -> FetchedPlace:
        """Where the state of a tip with a commit comes from. `vault` is the id of the one that is in the work tree."""
        assert tip.commit is not None
        # What a remote said before it could not be asked any more may be old without anybody bringing it back.
        is_home = tip.is_home and self.fetched_at == self.tried_at
        return FetchedPlace(self.remote, tip.ref, is_home, tip.commit, self.path, vault, tip.superseded)


def read_fetch_record(root: str, folders: GitFolders | None) -> FetchRecord | None:
    """What was last fetched, for the branch that is checked out now. No program is started."""
    if folders is None:
        return None
    try:
        with open(_record_file(folders), "rb") as opened:
            fields = json.loads(opened.read())
        if fields["about"] != _about(root, folders):
            return None
        return FetchRecord(
            tried_at=fields["triedAt"],
            interval_s=fields["intervalS"],
            remote=fields["remote"],
            path=fields["path"],
            fetched_at=fields.get("fetchedAt"),
            vault=fields.get("vault"),
            home=_tip_in(fields.get("home")),
            upstream=_tip_in(fields.get("upstream")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_fetch_record(root: str, folders: GitFolders, record: FetchRecord) -> None:
    """A repository that cannot be written to has no record."""
    fields = {
        "triedAt": record.tried_at,
        "fetchedAt": record.fetched_at,
        "intervalS": int(record.interval_s) if record.interval_s.is_integer() else record.interval_s,
        "remote": record.remote,
        "path": record.path,
        "vault": record.vault,
        "home": _tip(record.home),
        "upstream": _tip(record.upstream),
        "about": _about(root, folders),
    }
    text = json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)
    with contextlib.suppress(OSError):
        write_atomically(_record_file(folders), f"{text}\n".encode("utf-8", "replace"))


def reading_fingerprint(root: str, files: Iterable[str]) -> str:
    """What differs once one of some files was changed, or another state was fetched. `files` are relative to the vault's folder."""
    record = read_fetch_record(root, find_git_folders(os.path.dirname(root)))
    tips = (record.home, record.upstream) if record else ()
    return " ".join([*(_stat_fingerprint(os.path.join(root, file)) for file in files), *(str(tip and tip.commit) for tip in tips)])


def _stat_fingerprint(file: str) -> str:
    try:
        status = os.stat(file)
    except OSError:
        return "none"
    return f"{status.st_mtime_ns},{status.st_ctime_ns},{status.st_size},{status.st_ino}"


def _record_file(folders: GitFolders) -> str:
    return os.path.join(folders.change_folder, "fetched.json")


def _about(root: str, folders: GitFolders) -> str:
    """What is checked out, and how git's settings and the vault's look: with others a record says nothing."""
    head = _text(os.path.join(folders.git_dir, "HEAD")).strip()
    # A detached HEAD is another one with each commit, and follows nothing.
    branch = head if head.startswith("ref: ") else "detached"
    config, vault_config = _text(os.path.join(folders.common_dir, "config")), _text(os.path.join(root, CONFIG_FILE))
    return digest_of("\0".join([branch, config, vault_config]).encode())


def _text(file: str) -> str:
    try:
        with open(file, "rb") as opened:
            return opened.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _tip_in(fields: Any) -> FetchedTip | None:
    if fields is None:
        return None
    superseded = fields.get("superseded")
    return FetchedTip(
        ref=fields["ref"],
        is_home=fields.get("isHome") is True,
        commit=fields.get("commit"),
        lock=fields.get("lock"),
        superseded=None if superseded is None else StateRef(superseded["sequence"], superseded["lock"]),
        is_whole=fields.get("isWhole"),
    )


def _tip(tip: FetchedTip | None) -> dict[str, Any] | None:
    if tip is None:
        return None
    superseded = None if tip.superseded is None else vars(tip.superseded)
    fields = {
        "ref": tip.ref,
        "commit": tip.commit,
        "lock": tip.lock,
        "isHome": tip.is_home,
        "superseded": superseded,
        "isWhole": tip.is_whole,
    }
    return {name: value for name, value in fields.items() if value is not None}
