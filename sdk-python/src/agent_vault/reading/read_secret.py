"""Reads a secret."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..age.decrypt import decrypt
from ..audit.audit_sink import allows, audit_sink
from ..audit.recorder import Recorder, can_encrypt_to, owner_recipients
from ..errors import VaultError, error
from ..files.vault_files import VaultFiles
from ..files.vault_folder import VaultFolder
from ..format.layout import CONFIG_FILE, POLICY_FILE, metadata_file
from ..format.names import format_secret_path, parse_secret_path
from ..git.may_have_remote import may_have_remote
from ..git.remote_url import RepositoryUrl
from ..keys.find_key import KeyChoice, load_keys
from ..keys.key_file import Keys
from ..keys.require_not_removed import require_not_removed
from ..lock.open_lock import claimed_vault_id
from .authorize_read import APPROVAL, RECORD, find_delegation
from .command_line import read_with_command_line
from .open_vault import is_under_policy, open_vault


def read_secret(
    root: str, name: str, key: KeyChoice, env: Mapping[str, str], *, auto_pull: bool, url: RepositoryUrl | None = None
) -> bytes:
    """
    The value of a secret: exactly the bytes that were set.

    In this order, and closed at each step: the vault's state and the secret's file are verified, the policy decides, the file is decrypted,
    the use is recorded. `url` is the one of the clone of a repository's URL.

    Raises `INVALID_NAME`, `SECRET_NOT_FOUND`, `NOT_AUTHORIZED`, `DAMAGED`, `USAGE`, and as `load_keys`, `open_vault`, `judge_read`,
    `Recorder.done` and `read_with_command_line`.
    """
    path = parse_secret_path(name)
    place = os.path.dirname(root) if url is None else f"{url.address}#{url.ref}" if url.ref else url.address
    sink = audit_sink(env)
    keys = load_keys(key, env, lambda: claimed_vault_id(VaultFolder(root)))
    delegation = find_delegation(env, keys)
    if delegation:
        return read_with_command_line(place, path, key, env, delegation, pull=auto_pull)
    if auto_pull and may_have_remote(os.path.dirname(root), env):
        from ..sync.fetch_states import fetch_states

        fetch_states(root, keys, env, url=url)
    writes_spool = sink.kind in ("ledger", "spool")

    def load(files: VaultFiles) -> None:
        files.ciphertext(path)
        for file in (CONFIG_FILE, POLICY_FILE, metadata_file(path)):
            files.read(file)
        if writes_spool:
            owner_recipients(files)

    vault = open_vault(root, keys, env, load=load, local_only=not auto_pull)
    judging = (vault.files, *vault.homes)
    is_beyond = not can_encrypt_to(owner_recipients(vault.files)) if writes_spool else False
    if sink.kind == "ledger" and (is_beyond or (not allows(judging, "spool") and allows(judging, "ledger"))):
        return read_with_command_line(place, path, key, env, RECORD, pull=auto_pull)
    recorder = Recorder(root, vault.files, judging, keys, env, sink)
    secret = format_secret_path(path)
    try:
        for home in vault.homes:
            require_not_removed(home, vault.files, keys)
        if is_under_policy(vault):
            from ..policy.judge_read import judge_read

            vault.require_rules()
            if judge_read(root, path, vault.files, vault.homes, keys, env):
                return read_with_command_line(place, path, key, env, APPROVAL, pull=auto_pull)
        value = _decrypt(vault.files.ciphertext(path), secret, keys)
    except VaultError as failure:
        recorder.failed([secret], failure)
        # Nothing is wrong with the state, such as for an agent that was removed in it. Of a vault that is not known nothing is remembered.
        if failure.code in ("NOT_AUTHORIZED", "POLICY_DENIED") and vault.trusted and not vault.trusted.is_first:
            vault.remember()
        raise
    recorder.done([secret])
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
