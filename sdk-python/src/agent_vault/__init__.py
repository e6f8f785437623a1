"""Reads the secrets that an agent was granted, from a vault of agent-vault."""

from .errors import (
    AgentVaultWarning,
    ManifestError,
    NotAuthorizedError,
    SecretNotFoundError,
    VaultError,
    VaultNotFoundError,
    VerificationError,
)
from .format.manifest import Manifest, OwnerEntry
from .vault import AgentInfo, SecretMetadata, Vault

__version__ = "0.2.0"

__all__ = [
    "AgentInfo",
    "AgentVaultWarning",
    "Manifest",
    "ManifestError",
    "NotAuthorizedError",
    "OwnerEntry",
    "SecretMetadata",
    "SecretNotFoundError",
    "Vault",
    "VaultError",
    "VaultNotFoundError",
    "VerificationError",
]
