"""Reads a secret."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..age.decrypt import decrypt
from ..context import home_folder
from ..errors import VaultError, error
from ..files.vault_folder import VaultFolder
from ..format.names import format_secret_path, parse_secret_path
from ..git.may_have_remote import may_have_remote
from ..keys.find_key import KeyChoice, load_keys
from ..keys.key_file import Keys
from ..keys.require_not_removed import require_not_removed
from ..lock.open_lock import claimed_vault_id
from ..record.unrecorded_uses import count_unrecorded_use
from .authorize_read import POLICY, find_delegation
from .command_line import read_with_command_line
from .open_vault import is_under_policy, open_vault


def read_secret(root: str, name: str, key: KeyChoice, env: Mapping[str, str], *, auto_pull: bool) -> bytes:
    """
    The value of a secret: exactly the bytes that were set. The vault's state and the secret's file are verified before it is decrypted.

    Raises `INVALID_NAME`, `SECRET_NOT_FOUND`, `NOT_AUTHORIZED`, `DAMAGED`, and as `load_keys`, `open_vault` and `read_with_command_line`.
    """
    path = parse_secret_path(name)
    keys = load_keys(key, env, lambda: claimed_vault_id(VaultFolder(root)))
    delegation = find_delegation(env, keys)
    if delegation:
        return read_with_command_line(root, path, key, env, delegation, pull=auto_pull)
    if auto_pull and may_have_remote(os.path.dirname(root), env):
        from ..sync.fetch_states import fetch_states

        fetch_states(root, keys, env)
    vault = open_vault(root, keys, env, load=lambda files: files.ciphertext(path), local_only=not auto_pull)
    try:
        for home in vault.homes:
            require_not_removed(home, vault.files, keys)
        if is_under_policy(vault):
            vault.require_rules()
            return read_with_command_line(root, path, key, env, POLICY, pull=auto_pull)
        value = _decrypt(vault.files.ciphertext(path), format_secret_path(path), keys)
    except VaultError as failure:
        # Nothing is wrong with the state, such as for an agent that was removed in it. Of a vault that is not known nothing is remembered.
        if failure.code in ("NOT_AUTHORIZED", "POLICY_DENIED") and vault.trusted and not vault.trusted.is_first:
            vault.remember()
        raise
    if vault.trusted:
        count_unrecorded_use(home_folder(env), vault.trusted.signed.lock.vault)
        vault.remember()
    return value


def _decrypt(ciphertext: bytes, secret: str, keys: Keys) -> bytes:
    value = decrypt(ciphertext, keys.identities, secret)
    if value is None:
        raise error(
            "NOT_AUTHORIZED",
            f"The key in {keys.source} does not open {secret}.",
            "Ask an owner for access (agent-vault grant AGENT GROUP), or use another key.",
        )
    return value
