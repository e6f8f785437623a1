"""The layout of a vault, version 1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .names import is_name, is_secret_path, parse_secret_path

VAULT_FOLDER = ".agent-vault"
CONFIG_FILE = "config.yaml"
MANIFEST_FILE = "manifest.yaml"
POLICY_FILE = "policy.yaml"
FIRST_OWNER_FILE = "owner.pub"
LOCK_FILE = "vault.lock"
LOCK_SIGNATURE_FILE = "vault.lock.sig"
GITATTRIBUTES_FILE = ".gitattributes"
#: The states behind the present one.
STATES_FILE = "vault.states"
#: The locks of the states that changed the owners, each with its signature.
SIGNERS_FOLDER = "signers"
VERSIONS_FOLDER = "versions"
EXPOSURES_FILE = "exposures.yaml"
#: Files and folders that later versions added to the layout. `signed_files` in config.yaml lists their digests, and the lock does not.
ADDED_ENTRIES = frozenset({EXPOSURES_FILE, SIGNERS_FOLDER, STATES_FILE, VERSIONS_FOLDER})

_KINDS: dict[str, Literal["yaml", "signature", "git", "owner", "added"]] = {
    CONFIG_FILE: "yaml",
    MANIFEST_FILE: "yaml",
    POLICY_FILE: "yaml",
    LOCK_FILE: "signature",
    LOCK_SIGNATURE_FILE: "signature",
    ".gitignore": "git",
    GITATTRIBUTES_FILE: "git",
    FIRST_OWNER_FILE: "owner",
    STATES_FILE: "added",
    EXPOSURES_FILE: "added",
}


@dataclass(frozen=True)
class VaultFile:
    """What a file of the vault is. A `stray` belongs to no vault."""

    kind: Literal["secret", "metadata", "agent", "owner", "yaml", "signature", "git", "added", "stray"]
    #: The secret's path, for `secret` and `metadata`.
    path: str = ""


def secret_file(path: str) -> str:
    return f"secrets/{path}.enc"


def metadata_file(path: str) -> str:
    return f"secrets/{path}.meta"


def public_key_file(agent: str) -> str:
    return f"agents/{agent}/public.key"


def agent_of_escrow(file: str) -> str | None:
    """The agent whose key a file keeps for the owners, or `None`."""
    match = re.fullmatch(r"agents/([^/]+)/private\.key\.escrow", file)
    return match[1] if match and is_name(match[1]) else None


def signer_lock_file(digest: str) -> str:
    """Where the lock of a state that changed the owners is. `digest` is the lock's, without `sha256:`."""
    return f"{SIGNERS_FOLDER}/{digest}.lock"


def signer_signature_file(digest: str) -> str:
    """Where the signature of that lock is."""
    return f"{SIGNERS_FOLDER}/{digest}.sig"


def classify(file: str) -> VaultFile:
    """What the file at a path is. `file` is relative to the vault's folder, with `/`."""
    if file in _KINDS:
        return VaultFile(_KINDS[file])
    secret = re.fullmatch(r"secrets/(.+/.+)\.(enc|meta)", file)
    if secret and is_secret_path(secret[1]):
        return VaultFile("secret" if secret[2] == "enc" else "metadata", parse_secret_path(secret[1]))
    agent = re.fullmatch(r"agents/([^/]+)/(?:public\.key|private\.key\.escrow)", file)
    if agent and is_name(agent[1]):
        return VaultFile("agent")
    owner = re.fullmatch(r"owners/([^/]+)\.pub", file)
    if owner and is_name(owner[1]):
        return VaultFile("owner")
    if re.fullmatch(r"signers/[0-9a-f]{64}\.(?:lock|sig)", file):
        return VaultFile("added")
    version = re.fullmatch(r"versions/(.+/.+)/[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.enc", file)
    if version and is_secret_path(version[1]):
        return VaultFile("added")
    return VaultFile("stray")
