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

_KINDS: dict[str, Literal["yaml", "signature", "git", "owner"]] = {
    CONFIG_FILE: "yaml",
    MANIFEST_FILE: "yaml",
    POLICY_FILE: "yaml",
    LOCK_FILE: "signature",
    LOCK_SIGNATURE_FILE: "signature",
    ".gitignore": "git",
    GITATTRIBUTES_FILE: "git",
    FIRST_OWNER_FILE: "owner",
}


@dataclass(frozen=True)
class VaultFile:
    """What a file of the vault is. A `stray` belongs to no vault."""

    kind: Literal["secret", "metadata", "agent", "owner", "yaml", "signature", "git", "stray"]
    #: The secret's path, for `secret` and `metadata`.
    path: str = ""


def secret_file(path: str) -> str:
    return f"secrets/{path}.enc"


def metadata_file(path: str) -> str:
    return f"secrets/{path}.meta"


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
    return VaultFile("stray")
