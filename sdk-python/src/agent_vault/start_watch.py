"""Looks at a secret again and again, in a thread of its own, and calls back when it has changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .errors import VaultError, error, warn
from .files.vault_files import VaultFiles
from .files.vault_folder import VaultFolder
from .format.layout import LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, metadata_file, secret_file
from .format.metadata import parse_metadata
from .format.names import format_secret_path, parse_secret_path
from .git.remote_url import RepositoryUrl
from .keys.find_key import KeyChoice, find_keys, load_keys
from .keys.key_file import Keys
from .keys.require_not_removed import identify_principal
from .lock.digest import digest_of
from .lock.open_lock import claimed_vault_id
from .reading.open_vault import open_vault
from .sync.fetch_record import reading_fingerprint
from .sync.fetch_states import fetch_states
from .watch import SecretChange, Watch

DEFAULT_INTERVAL_S = 1.0


@dataclass(frozen=True)
class WatchRequest:
    """Which secret is watched, how, and who is told."""

    root: str
    path: str
    key: KeyChoice
    auto_pull: bool
    callback: Callable[[SecretChange], object]
    interval_s: float
    persistent: bool
    on_error: Callable[[VaultError], object] | None
    #: Of the clone of a repository's URL.
    url: RepositoryUrl | None = None

    def __post_init__(self) -> None:
        """A program without types may give anything. Raises `USAGE`."""
        if not callable(self.callback):
            raise _usage("The callback of a watch must be a function")
        if self.on_error is not None and not callable(self.on_error):
            raise _usage("on_error must be a function")
        if not isinstance(self.persistent, bool):
            raise _usage("persistent must be True or False")
        number = self.interval_s
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number <= threading.TIMEOUT_MAX:
            raise _usage("interval_s must be a number of seconds, more than 0")


def start_watch(request: WatchRequest, watches: set[Watch]) -> Watch:
    """
    Returns once it is known how things are now, so that no later change is missed. `watches` are all that go on.

    Raises `SECRET_NOT_FOUND`, `USAGE`, and what loading a key, asking the remote and verifying raise.
    """
    path = parse_secret_path(request.path)
    watching = _Watching(request, path)
    watch = Watch(watching.end, watches.discard)
    watches.add(watch)
    threading.Thread(target=watching.run, name=f"agent-vault watch {format_secret_path(path)}", daemon=not request.persistent).start()
    return watch


@dataclass(frozen=True)
class _Standing:
    """What a secret is to the key in use."""

    exists: bool
    access: bool
    #: Changes with the value, and with nothing else.
    version: str


class _Watching:
    def __init__(self, request: WatchRequest, path: str) -> None:
        self.end = threading.Event()
        self._request = request
        self._path = path
        self._files = (LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, secret_file(path), metadata_file(path))
        self._fingerprint = reading_fingerprint(request.root, self._files)
        #: Whether the last look failed.
        self._is_failing = False
        #: What was reported last, until it passes.
        self._reported = ""
        if request.auto_pull:
            fetch_states(request.root, self._find_keys(), os.environ, url=request.url)
        self._seen = self._look()
        if not self._seen.exists:
            name = format_secret_path(path)
            raise error("SECRET_NOT_FOUND", f"There is no secret {name} in this vault.", "list_secrets() has all of them.")

    def run(self) -> None:
        while not self.end.wait(self._request.interval_s):
            try:
                change = self._changed()
            except Exception as failure:
                # While git checks out another commit, the files do not fit together; at the next look they do.
                if self._is_failing:
                    self._report(failure)
                self._is_failing = True
                continue
            if change is not None:
                self._call(self._request.callback, change)

    def _changed(self) -> SecretChange | None:
        request = self._request
        if request.auto_pull:
            fetch_states(request.root, self._find_keys(), os.environ, url=request.url)
        now = reading_fingerprint(request.root, self._files)
        if now == self._fingerprint and not self._is_failing:
            return None
        seen = self._look()
        before, self._seen = self._seen, seen
        self._fingerprint, self._is_failing, self._reported = now, False, ""
        kind = _change_between(before, seen)
        return None if kind is None else SecretChange(format_secret_path(self._path), kind)

    def _look(self) -> _Standing:
        request = self._request
        keys = load_keys(request.key, os.environ, self._claimed_id)
        vault = open_vault(request.root, keys, os.environ, load=self._load, local_only=not request.auto_pull)
        ciphertext, metadata, agents = self._load(vault.files)
        principal = identify_principal(vault.files, keys)
        vault.remember()
        if ciphertext is None:
            return _Standing(exists=False, access=False, version="")
        role, name = principal or (None, None)
        about = parse_metadata(metadata, self._path) if metadata is not None else None
        return _Standing(
            exists=True,
            access=role == "owner" or name in agents,
            version=f"{about.version} {about.rotated or about.created}" if about else digest_of(ciphertext),
        )

    def _load(self, files: VaultFiles) -> tuple[bytes | None, bytes | None, list[str]]:
        ciphertext, metadata = files.read(secret_file(self._path)), files.read(metadata_file(self._path))
        return ciphertext, metadata, files.agents_of(self._path) if ciphertext is not None else []

    def _report(self, failure: Exception) -> None:
        if self._reported == str(failure):
            return
        self._reported = str(failure)
        on_error = self._request.on_error
        if not isinstance(failure, VaultError):
            _hand_to_thread(failure)
        elif on_error:
            self._call(on_error, failure)
        else:
            self._call(warn, f"{format_secret_path(self._path)} cannot be watched for now. {failure.message}")

    def _call(self, function: Callable[..., object], argument: object) -> None:
        """What a program's function raises is the program's, as in any thread; the watch goes on."""
        try:
            if not self.end.is_set():
                function(argument)
        except Exception as failure:
            _hand_to_thread(failure)

    def _find_keys(self) -> Keys | None:
        return find_keys(self._request.key, os.environ, self._claimed_id)

    def _claimed_id(self) -> str | None:
        return claimed_vault_id(VaultFolder(self._request.root))


def _change_between(before: _Standing, after: _Standing) -> Literal["value", "granted", "revoked", "deleted"] | None:
    if before.access and not after.exists:
        return "deleted"
    if before.access != after.access:
        return "granted" if after.access else "revoked"
    return "value" if after.access and before.version != after.version else None


def _hand_to_thread(failure: BaseException) -> None:
    threading.excepthook(threading.ExceptHookArgs((type(failure), failure, failure.__traceback__, threading.current_thread())))


def _usage(message: str) -> VaultError:
    return error("USAGE", f"{message}.", 'For example: vault.watch("group/name", print, interval_s=1.0).')
