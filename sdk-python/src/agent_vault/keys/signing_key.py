"""The keys that sign the states of a vault."""

from __future__ import annotations

from ..age.identity import Identity
from ..lock.ssh_signature import format_ssh_public_key

_INFO = b"agent-vault/v1/owner-signing"


def derive_signing_key(identity: Identity, vault: str) -> str:
    """The public key that verifies what an owner with this identity signs in a vault: `ssh-ed25519 AAAA...`. `vault` is the vault's id."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    seed = identity.derive(vault.encode("ascii"), _INFO)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return format_ssh_public_key(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
