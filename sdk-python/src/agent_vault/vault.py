"""The door for Python programs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TypedDict

from .context import resolve_path
from .errors import VaultError, error
from .folder import VaultFolder, find_vault
from .keys import KeyChoice, Keys, keys_at_hand
from .layout import metadata_file
from .lock import vault_id_in
from .manifest import Manifest
from .names import format_secret_path
from .settled import settled
from .trust import TrustedState, VaultTrust
from .vault_files import VaultFiles


@dataclass(frozen=True)
class SecretMetadata:
    """What may be told of a secret without its value. Times are in UTC."""

    name: str
    group: str
    created: datetime | None
    rotated: datetime | None
    expires: datetime | None
    authorized_agents: tuple[str, ...]


class AgentInfo(TypedDict):
    name: str
    groups: list[str]


class Vault:
    """
    Reads the secrets that a key was granted. It changes nothing in the vault; what it may write is what `git fetch` and a fast-forward
    write, and what was seen of the vault, in `~/.agent-vault/trust`. All methods raise `VaultError` or one of its subclasses.
    """

    def __init__(
        self,
        repo_path: str | os.PathLike[str],
        key_path: str | os.PathLike[str] | None = None,
        key_str: str | None = None,
        auto_pull: bool = True,
    ) -> None:
        """
        `repo_path` is a folder in the git repository that holds the vault; `~` is the home folder. `key_path` is the key file to read
        with; without it `AGENT_VAULT_KEY` and `~/.agent-vault/owner.key` are looked at. `key_str` is the key itself,
        `AGE-SECRET-KEY-1...`; it takes precedence and is never written anywhere. With `auto_pull` a read fast-forwards the repository to
        its upstream first, at most once in the vault's `pull_interval`.

        Raises `VaultNotFoundError` where `repo_path` holds no vault.
        """
        repo = _path("repo_path", repo_path)
        if key_str is not None:
            self._key = KeyChoice(text=_text("key_str", key_str))
        elif key_path is not None:
            self._key = KeyChoice(file=resolve_path(_path("key_path", key_path), os.environ))
        else:
            self._key = KeyChoice()
        self._auto_pull = auto_pull
        self._root = find_vault(resolve_path(repo, os.environ))
        self._closed = False

    def get(self, path: str) -> str:
        """
        A secret's value as text. `path` is `group/name`; a name alone lies in the group `default`.

        Raises `SecretNotFoundError`, `NotAuthorizedError`, `VaultNotFoundError` (no key), `VerificationError`, and `VaultError`
        `INVALID_VALUE` where the value is not UTF-8.
        """
        value = self.get_bytes(path)
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            # The cause quotes the value.
            raise error("INVALID_VALUE", f"{path} is not UTF-8 text.", "Read it with get_bytes.") from None

    def get_bytes(self, path: str) -> bytes:
        """A secret's value, exactly the bytes that were set. Raises as `get` does."""
        from .read import read_secret

        return read_secret(self._open_root(), _text("The path of a secret", path), self._key, os.environ, auto_pull=self._auto_pull)

    def list_secrets(self, group: str | None = None) -> list[SecretMetadata]:
        """The vault's secrets, sorted by path, or those that a group lists. Raises `ManifestError`, `VerificationError`."""
        from .metadata import NO_METADATA, parse_metadata

        state = self._state()
        listed = None if group is None else state.manifest.require_group(_text("A group", group))
        found: list[SecretMetadata] = []
        for path in state.secret_paths():
            if listed is not None and path not in listed:
                continue
            content = state.read(metadata_file(path))
            metadata = NO_METADATA if content is None else parse_metadata(content, path)
            groups = state.manifest.groups_of(path)
            found.append(
                SecretMetadata(
                    name=format_secret_path(path),
                    group=metadata.group or (groups[0] if groups else "default"),
                    created=metadata.created,
                    rotated=metadata.rotated or metadata.created,
                    expires=metadata.expires,
                    authorized_agents=tuple(state.agents_of(path)),
                )
            )
        return found

    def list_agents(self) -> list[AgentInfo]:
        """The vault's agents and their groups, in the manifest's order. Raises `ManifestError`, `VerificationError`."""
        return [{"name": name, "groups": list(groups)} for name, groups in self.manifest.agents.items()]

    def pull(self) -> None:
        """
        Fast-forwards the repository to its upstream now. Where that is impossible there is a warning, and the local state stays.

        Raises `VerificationError`.
        """
        from .pull import pull

        root, keys = self._open_root(), self._keys()
        pull(root, keys, os.environ, always=True)
        state = settled(root, os.environ, lambda: VaultTrust(root, keys, os.environ, quiet=True).verify(VaultFiles(VaultFolder(root))))
        if state:
            state.remember()

    def reload(self) -> None:
        """Reads the manifest again. Every method does so by itself; this one says early whether it can be read. Raises `ManifestError`."""
        _ = self.manifest

    @property
    def manifest(self) -> Manifest:
        """What the manifest says now: owners, agents, groups. Raises `ManifestError`, `VerificationError`."""
        return self._state().manifest

    def close(self) -> None:
        """Forgets the key. From here on every method raises `VaultError` `USAGE`."""
        self._key = KeyChoice()
        self._closed = True

    def __enter__(self) -> Vault:
        self._open_root()
        return self

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Vault({os.path.dirname(self._root)!r})"

    def __reduce__(self) -> str:
        raise TypeError("A vault is not copied or written anywhere: it may hold a key.")

    def _keys(self) -> Keys | None:
        return keys_at_hand(self._key, os.environ, lambda: vault_id_in(VaultFolder(self._root)))

    def _state(self) -> VaultFiles:
        """The vault's state for what needs no key: verified file for file, by whatever says here whose signature to trust."""
        root = self._open_root()

        def look() -> tuple[VaultFiles, TrustedState | None]:
            files = VaultFiles(VaultFolder(root))
            state = VaultTrust(root, self._keys(), os.environ).verify(files)
            if files.signed:
                files.signed.require_all()
            return files, state

        files, state = settled(root, os.environ, look)
        if state:
            state.remember()
        return files

    def _open_root(self) -> str:
        if self._closed:
            raise _usage("This vault was closed")
        return self._root


def _path(what: str, value: str | os.PathLike[str]) -> str:
    return _text(what, os.fspath(value) if isinstance(value, os.PathLike) else value)


def _text(what: str, value: object) -> str:
    if isinstance(value, str) and value != "":
        return value
    raise _usage(f"{what} must be a string that is not empty")


def _usage(message: str) -> VaultError:
    return error("USAGE", f"{message}.", 'For example Vault(".").get("group/name").')
