"""The file in which the memory keeps what judges uses of a state. The command line and the Node SDK use the same files."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..files.vault_files import VaultFiles
from ..format.file_source import FileEntry
from ..format.layout import CONFIG_FILE, LOCK_FILE, LOCK_SIGNATURE_FILE, MANIFEST_FILE, POLICY_FILE, classify
from ..lock.digest import digest_of
from ..lock.open_lock import SignedLock, try_open_lock
from ..lock.signed_files import SignedFiles, tampered
from ..lock.tree_list_cache import digests_in_list
from .memory_file import UNREADABLE

#: More is not kept: a use in a vault of some 50,000 secrets is refused if it would be judged by it.
_MAX_RULES_BYTES = 32 * 1024 * 1024
_VERSION = 1
_AGENTS_FOLDER = "agents"
#: The files at a vault's top that decide over uses.
_TOP_FILES = (CONFIG_FILE, MANIFEST_FILE, POLICY_FILE)


@dataclass(frozen=True)
class RuleFiles:
    """Files that are in memory: of those that a lock lists, the ones that decide over uses, and no secret's value."""

    root: str
    files: Mapping[str, bytes]

    def read(self, file: str) -> bytes | None:
        return self.files.get(file)

    def walk(self, folder: str = "") -> list[FileEntry]:
        return [FileEntry(file, "file") for file in sorted(self.files) if not folder or file.startswith(f"{folder}/")]


def format_rules(files: VaultFiles, digest: str) -> bytes | None:
    """
    Two lines of JSON.

    The first has the lock, its signature, the vault's YAML files and its agents' public keys; the second the secrets' metadata. Both have
    the lists of the folders, so that each file can be compared with the lock. `files` are the state's, vouched for, and `digest` is its
    lock's. `None` if it would be too large. Raises `TAMPERED`, `LINK_IN_VAULT` if a file is not what was signed.
    """
    assert files.signed is not None
    lock = files.signed.lock
    content, signature = (files.source.read(file) for file in (LOCK_FILE, LOCK_SIGNATURE_FILE))
    if content is None or digest_of(content) != digest:
        # Files of the work tree may be of the next state by now.
        raise tampered([LOCK_FILE])
    signed = {LOCK_FILE: _base64(content), LOCK_SIGNATURE_FILE: _base64(signature)}
    top = {file: _base64(files.read(file)) for file in _TOP_FILES if file in lock.files}
    general = _part(files, [tree for tree in lock.trees if tree == _AGENTS_FOLDER])
    first = {"version": _VERSION, "trees": general["trees"], "files": {**signed, **top, **general["files"]}}
    second = _part(files, [tree for tree in lock.trees if _is_of_secrets(tree)])
    lines = [json.dumps(part, separators=(",", ":")) for part in (first, second)]
    content = "".join(f"{line}\n" for line in lines).encode("ascii")
    return content if len(content) <= _MAX_RULES_BYTES else None


def parse_rules(content: bytes, vault: str, lock: str, root: str) -> VaultFiles | None:
    """
    The files that `format_rules` wrote for the state with this lock, verified and vouched for.

    Nothing in the file is believed: the lock has to be the one that is asked for, with a valid signature, and each file and list the one
    that the lock names. `root` is the vault's folder, for messages. `None` for anything else, such as a file that was cut off, or that a
    backup of another state has left.
    """
    if len(content) > _MAX_RULES_BYTES:
        return None
    try:
        first, second = (json.loads(line) for line in content.split(b"\n")[:2])
        signed = _lock_in(first, vault, lock) if first["version"] == _VERSION else None
        return _compared_with_lock(signed, [first, second], root) if signed else None
    except UNREADABLE:
        return None


def config_in_rules(content: bytes, vault: str, lock: str) -> bytes | None:
    """The `config.yaml` in such a file, by its first line alone; `None` if it is not what was signed, or the state has none."""
    try:
        first = json.loads(content.partition(b"\n")[0])
        signed = _lock_in(first, vault, lock)
        config = base64.b64decode(first["files"][CONFIG_FILE], validate=True)
        return config if signed and signed.lock.files.get(CONFIG_FILE) == digest_of(config) else None
    except UNREADABLE:
        return None


def _part(files: VaultFiles, trees: Iterable[str]) -> dict[str, dict[str, str]]:
    assert files.signed is not None
    lists = {tree: files.signed.list_of(tree) for tree in trees}
    kept = [file for tree, listing in lists.items() for file in digests_in_list(listing, tree) or () if _is_rule(file)]
    texts = {tree: listing.decode("ascii") for tree, listing in lists.items()}
    return {"trees": texts, "files": {file: _base64(files.read(file)) for file in kept}}


def _lock_in(part: Mapping[str, Any], vault: str, lock: str) -> SignedLock | None:
    content, signature = (base64.b64decode(part["files"][file], validate=True) for file in (LOCK_FILE, LOCK_SIGNATURE_FILE))
    signed = try_open_lock(content, signature)
    return signed if signed and signed.digest == lock and signed.lock.vault == vault else None


def _compared_with_lock(signed: SignedLock, parts: list[Mapping[str, Any]], root: str) -> VaultFiles | None:
    lock = signed.lock
    trees: dict[str, Mapping[str, str]] = {}
    for tree, text in (entry for part in parts for entry in part["trees"].items()):
        listing = text.encode("ascii")
        digests = digests_in_list(listing, tree)
        if digests is None or digest_of(listing) != lock.trees.get(tree):
            return None
        trees[tree] = digests
    expected = {file: lock.files[file] for file in _TOP_FILES if file in lock.files}
    for tree in lock.trees:
        if tree == _AGENTS_FOLDER or _is_of_secrets(tree):
            expected |= {file: digest for file, digest in trees[tree].items() if _is_rule(file)}
    files = {file: base64.b64decode(text, validate=True) for part in parts for file, text in part["files"].items()}
    if any(file not in files or digest_of(files[file]) != digest for file, digest in expected.items()):
        return None
    read = VaultFiles(RuleFiles(root, files))
    read.vouch(SignedFiles(lock, read.source, trees=trees))
    return read


def _is_rule(file: str) -> bool:
    """Whether a file decides over uses: an agent's public key, a secret's metadata."""
    kind = classify(file).kind
    return kind == "metadata" or (kind == "agent" and file.endswith("/public.key"))


def _is_of_secrets(tree: str) -> bool:
    return tree.startswith("secrets/")


def _base64(content: bytes | None) -> str:
    return base64.b64encode(content or b"").decode("ascii")
