"""Reads one secret."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .command import POLICY, read_by_command, reason_to_delegate
from .context import home_folder
from .errors import VaultError, error
from .folder import VaultFolder, may_have_remote
from .gap import widen_gap
from .keys import KeyChoice, Keys, load_keys
from .layout import POLICY_FILE
from .lock import vault_id_in
from .names import format_secret_path, parse_secret_path
from .settled import settled
from .trust import TrustedState, VaultTrust
from .vault_files import VaultFiles

_ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"


def read_secret(root: str, text: str, key: KeyChoice, env: Mapping[str, str], *, auto_pull: bool) -> bytes:
    """
    Reads a secret with a key that was granted it, after its vault's state and its group's files have been found to be what the owner
    signed. The use goes on record before the value is given out.
    """
    path = parse_secret_path(text)
    keys = load_keys(key, env, lambda: vault_id_in(VaultFolder(root)))
    reason = reason_to_delegate(env, keys)
    if reason:
        return read_by_command(root, path, key, env, reason, pull=auto_pull)
    if auto_pull and may_have_remote(os.path.dirname(root)):
        from .pull import pull

        pull(root, keys, env)

    def look() -> tuple[bytes, bool, TrustedState | None]:
        files = VaultFiles(VaultFolder(root))
        state = VaultTrust(root, keys, env).verify(files)
        is_under_policy = state.is_under_policy if state else files.read(POLICY_FILE) is not None
        return files.ciphertext(path), is_under_policy, state

    ciphertext, is_under_policy, state = settled(root, env, look)
    if is_under_policy:
        if state:
            state.require_latest()
        return read_by_command(root, path, key, env, POLICY, pull=False)
    value = _decrypt(ciphertext, format_secret_path(path), keys)
    if state:
        widen_gap(home_folder(env), state.signed.lock.vault)
        state.remember()
    return value


def _decrypt(ciphertext: bytes, secret: str, keys: Keys) -> bytes:
    import pyrage

    bare = ciphertext.lstrip(b"\t\n\v\f\r ")
    armored = bare.startswith(_ARMOR)
    try:
        value: bytes = pyrage.decrypt(bare if armored else ciphertext, [identity.age() for identity in keys.identities])
        return value
    except pyrage.DecryptError as failure:
        if str(failure) == "No matching keys found":
            raise error(
                "NOT_AUTHORIZED",
                f"The key in {keys.source} does not open {secret}.",
                "Ask an owner for access (agent-vault grant AGENT GROUP), or give another key.",
            ) from None
        raise _damaged(secret, str(failure)) from None


def _damaged(secret: str, reason: str) -> VaultError:
    return error(
        "DAMAGED",
        f"{secret}: The encrypted file is damaged: {reason}.",
        "Restore the file from git (git checkout REVISION -- FILE) or from a backup.",
    )
