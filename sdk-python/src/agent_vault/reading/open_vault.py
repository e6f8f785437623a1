"""The one way to open a vault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from ..format.layout import POLICY_FILE
from ..keys.key_file import Keys
from ..trust.trust_context import TrustContext
from ..trust.verify import TrustedState, verify
from .read_consistently import read_consistently


@dataclass(frozen=True)
class OpenVault:
    """A vault whose state was verified."""

    files: VaultFiles
    #: `None` for an unsigned vault.
    state: TrustedState | None
    is_under_policy: bool

    def record_accepted(self) -> None:
        """Records the state in the trust store. Call this when everything that was read was verified."""
        if self.state:
            self.state.record_accepted()


def open_vault(
    root: str, keys: Keys | None, env: Mapping[str, str], *, load: Callable[[VaultFiles], object] | None = None, quiet: bool = False
) -> OpenVault:
    """
    Opens the vault at `root` and verifies its state; waits if another process is halfway through a write.

    `load` reads the files that are needed, so that all are of one state; reading them again gives the same bytes. `keys` say whose
    signature to trust. `quiet`: no warnings. Raises as `verify`, and what `load` raises.
    """

    def attempt() -> OpenVault:
        files = VaultFiles(VaultFolder(root))
        state = verify(TrustContext(root, keys, env, quiet=quiet), files)
        is_under_policy = state.is_under_policy if state else files.read(POLICY_FILE) is not None
        if load:
            load(files)
        return OpenVault(files, state, is_under_policy)

    return read_consistently(root, env, attempt)
