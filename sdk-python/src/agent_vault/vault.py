"""The interface for Python programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from .context import resolve_path
from .errors import VaultError, error
from .files.vault_files import VaultFiles
from .format.manifest import Manifest
from .keys.find_key import KeyChoice, find_keys, require_key
from .keys.key_file import Keys
from .keys.passphrase import passphrase_from
from .listing import AgentInfo, SecretMetadata, secret_metadata
from .options import require_descriptor, require_path, require_text, usage
from .reading.open_vault import open_vault
from .reading.vault_place import VaultPlace
from .text.utf8 import decode_utf8
from .watch import SecretChange, Watch

T = TypeVar("T")


class Vault:
    """
    Reads the secrets that a key was granted.

    It does not change the vault, moves no branch and checks nothing out. What it fetches goes into refs of its own in the repository, and
    the states that it has seen into `~/.agent-vault/trust`. All methods raise `VaultError` or one of its subclasses.

    >>> from agent_vault import Vault
    >>> with Vault(".", key_path="~/.agent-vault/agents/billing-agent.key") as vault:
    ...     vault.get("stripe/api-key")
    'sk_test_first'
    """

    def __init__(
        self,
        repo_path: str | os.PathLike[str],
        key_path: str | os.PathLike[str] | None = None,
        key_str: str | None = None,
        auto_pull: bool = True,
        *,
        passphrase_fd: int | None = None,
    ) -> None:
        """
        `repo_path` is a folder in the git repository that contains the vault; a leading `~` is the home folder. Or it is the repository's
        URL (`https://`, `ssh://`, `file://`, `user@host:path`), with `#REF` behind it to follow that branch or tag. Then it is cloned, when
        it is first read, into the one clone that this machine keeps of it in `~/.agent-vault/cache`, of the vault's files alone.

        `key_path` is the key file to read with. Without it the key is what `AGENT_VAULT_KEY` has (a path or the key itself), what the
        program prints that `AGENT_VAULT_KEY_COMMAND` names, an owner's key in `~/.agent-vault`, or the one key in `~/.agent-vault/agents`,
        in this order. `key_str` is the key itself, `AGE-SECRET-KEY-1...`; it takes precedence and is never written to disk.
        `passphrase_fd` is a file descriptor whose first line is the passphrase of a protected key; `AGENT_VAULT_ASKPASS` names a program
        that prints it. With `auto_pull` a read first asks the remote for the vault's newest state, at most once in the vault's
        `pull_interval` (60 seconds by default), and reads that state if it follows the one in the work tree.

        Raises `VaultNotFoundError` (`VAULT_NOT_FOUND`; `NO_KEY` if there is no key at all), `VerificationError` (`LINK_IN_VAULT`) if the
        vault's folder is a link, and `VaultError` (`USAGE`) for arguments of another type, and for URLs of another kind.

        >>> from agent_vault import Vault
        >>> vault = Vault(repo_path=".", key_path="~/.agent-vault/agents/billing-agent.key", auto_pull=False)
        """
        repo = require_path("repo_path", repo_path)
        if not isinstance(auto_pull, bool):
            raise usage("auto_pull must be True or False")
        text = None if key_str is None else require_text("key_str", key_str)
        file = None if key_path is None else resolve_path(require_path("key_path", key_path), os.environ)
        passphrase = None if passphrase_fd is None else passphrase_from(require_descriptor(passphrase_fd))
        self._key = KeyChoice(text, None if text is not None else file, passphrase)
        self._auto_pull = auto_pull
        self._place = VaultPlace(repo)
        self._closed = False
        self._watches: set[Watch] = set()
        require_key(self._key, os.environ, self._place.claimed_id)

    def get(self, path: str) -> str:
        """
        A secret's value as text. `path` is `group/name`; a name without a group is in the group `default`.

        Raises `SecretNotFoundError`, `NotAuthorizedError`, `VaultNotFoundError` (`NO_KEY`), `VerificationError`, and `VaultError`:
        `INVALID_VALUE` if the value is not UTF-8, `INVALID_NAME`, `INVALID_KEY`, `PASSPHRASE_REQUIRED`, and what the command line reports
        when it reads for this package, such as `POLICY_DENIED`, `TOKEN_DENIED`, `HARNESS_DENIED`, `LEDGER_UNAVAILABLE`.

        >>> from agent_vault import Vault
        >>> vault = Vault(".", key_path="~/.agent-vault/agents/billing-agent.key")
        >>> vault.get("stripe/api-key")
        'sk_test_first'
        >>> vault.get("token")
        'of the default group'
        """
        value = decode_utf8(self.get_bytes(path))
        if value is None:
            raise error("INVALID_VALUE", f"{path} is not UTF-8 text.", "Read it with get_bytes.")
        return value

    def get_bytes(self, path: str) -> bytes:
        """
        A secret's value: exactly the bytes that were set. Raises as `get`, except `INVALID_VALUE`.

        >>> from agent_vault import Vault
        >>> Vault(".", key_path="~/.agent-vault/agents/billing-agent.key").get_bytes("stripe/cert")
        b'\\x00\\xc8\\xff\\n'
        """
        from .reading.read_secret import read_secret

        name = require_text("The path of a secret", path)
        return self._use(lambda root: read_secret(root, name, self._key, os.environ, auto_pull=self._auto_pull, url=self._place.url))

    def list_secrets(self, group: str | None = None) -> list[SecretMetadata]:
        """
        The secrets of the vault or of one group, sorted by path. It needs no key and never has a value.

        Raises `ManifestError` (`GROUP_NOT_FOUND` for an unknown group), `VerificationError`, `VaultError` (`INVALID_NAME`).

        >>> from agent_vault import Vault
        >>> [secret.name for secret in Vault(".").list_secrets("stripe")]
        ['stripe/api-key', 'stripe/cert']
        """
        files = self._open_files()
        listed = None if group is None else files.manifest.require_group(require_text("A group", group))
        return [secret_metadata(files, path) for path in files.secret_paths() if listed is None or path in listed]

    def list_agents(self) -> list[AgentInfo]:
        """
        The agents of the vault and their groups, in the manifest's order. Raises `ManifestError`, `VerificationError`.

        >>> from agent_vault import Vault
        >>> [agent["name"] for agent in Vault(".").list_agents()]
        ['bot', 'idle']
        """
        return [{"name": name, "groups": list(groups)} for name, groups in self.manifest.agents.items()]

    def pull(self) -> None:
        """
        Asks the remote for the vault's newest state now. If that is not possible there is a warning. The work tree stays as it is.

        Raises `VerificationError` if the remote has something that the vault's owner did not sign, or an older state.

        >>> from agent_vault import Vault
        >>> Vault(".").pull()
        """
        from .git.git_folders import find_git_folders
        from .sync.fetch_states import fetch_states

        root = self._open_root()
        fetch_states(root, self._find_keys(), os.environ, always=True, url=self._place.url)
        if find_git_folders(os.path.dirname(root)) is None:
            # As agent-vault 0.1 says it.
            print("Warning: the vault is in no git repository, so nothing was fetched.", file=sys.stderr)
        self._open_files()

    def reload(self) -> None:
        """
        Checks that the manifest can be read. Every method reads it again anyway. Raises `ManifestError`, `VerificationError`.

        >>> from agent_vault import Vault
        >>> Vault(".").reload()
        """
        _ = self.manifest

    @property
    def manifest(self) -> Manifest:
        """
        The manifest as it is now: owners, agents, groups. Raises `ManifestError`, `VerificationError`.

        >>> from agent_vault import Vault
        >>> Vault(".").manifest.groups["stripe"]
        ('stripe/api-key', 'stripe/cert')
        """
        return self._open_files().manifest

    def watch(
        self,
        path: str,
        callback: Callable[[SecretChange], object],
        *,
        interval_s: float = 1.0,
        persistent: bool = True,
        on_error: Callable[[VaultError], object] | None = None,
    ) -> Watch:
        """
        Calls back whenever a secret gets a new value, or the key gains or loses it. It opens nothing: read the new value with `get`.

        A thread looks at the local files every `interval_s` seconds, and asks the remote as reads do. It calls `callback`; what that
        raises goes to `threading.excepthook`, and the watch goes on. With `persistent` the thread keeps the process alive. `on_error` takes
        what keeps the watch from knowing, such as a failed verification, once until it passes; without it that is a warning.

        It returns once it is known how things are now. Raises `SecretNotFoundError`, `VaultNotFoundError`, `VerificationError`, and
        `VaultError`: `USAGE`, `INVALID_NAME`.

        >>> from agent_vault import Vault
        >>> vault = Vault(".", key_path="~/.agent-vault/agents/billing-agent.key")
        >>> watch = vault.watch("stripe/api-key", lambda change: print(change.kind), interval_s=5, persistent=False)
        >>> watch.close()
        """
        from .start_watch import WatchRequest, start_watch

        name = require_text("The path of a secret", path)
        root = self._open_root()
        request = WatchRequest(root, name, self._key, self._auto_pull, callback, interval_s, persistent, on_error, self._place.url)
        watch = start_watch(request, self._watches)
        if self._closed:
            watch.close()
        return watch

    def close(self) -> None:
        """
        Ends all watches and forgets the key. Afterwards every method raises `VaultError` (`USAGE`). The end of a `with` does the same.

        >>> from agent_vault import Vault, VaultError
        >>> vault = Vault(".")
        >>> vault.close()
        >>> try:
        ...     vault.get("token")
        ... except VaultError as error:
        ...     print(error.code)
        USAGE
        """
        self._closed = True
        for watch in tuple(self._watches):
            watch.close()
        self._key.memory.clear()
        self._key = KeyChoice()

    def __enter__(self) -> Vault:
        self._require_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Vault({self._place!r})"

    def __reduce__(self) -> str:
        raise TypeError("A vault cannot be copied or pickled, because it may have a key.")

    def _open_files(self) -> VaultFiles:
        """The files of the vault, all of them verified. It needs no key, but trusts the owner whom a key names."""
        vault = self._use(lambda root: open_vault(root, self._find_keys(), os.environ, load=VaultFiles.require_all))
        vault.remember()
        return vault.files

    def _find_keys(self) -> Keys | None:
        return find_keys(self._key, os.environ, self._place.claimed_id)

    def _use(self, use: Callable[[str], T]) -> T:
        self._require_open()
        return self._place.use(self._find_keys, use)

    def _require_open(self) -> None:
        if self._closed:
            raise usage("This vault was closed")

    def _open_root(self) -> str:
        self._require_open()
        return self._place.open(self._find_keys)
