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
from .listing import AgentInfo, SecretMetadata
from .vault import Vault
from .watch import SecretChange, Watch

__version__ = "0.2.0"

__all__ = [
    "AgentInfo",
    "AgentVaultWarning",
    "Manifest",
    "ManifestError",
    "NotAuthorizedError",
    "OwnerEntry",
    "SecretChange",
    "SecretMetadata",
    "SecretNotFoundError",
    "Vault",
    "VaultError",
    "VaultNotFoundError",
    "VerificationError",
    "Watch",
]
