"""An owner who signs, made from what docs/format.md says."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pyrage
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agent_vault.age import bech32

VAULT = "4f0c2d1e-0000-4000-8000-000000000000"


def string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


class Owner:
    def __init__(self) -> None:
        self.identity = pyrage.x25519.Identity.generate()
        secret = bech32.decode(str(self.identity), "AGE-SECRET-KEY-")
        assert secret is not None
        seed = HKDF(hashes.SHA256(), 32, VAULT.encode(), b"agent-vault/v1/owner-signing").derive(secret)
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        point = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._blob = string(b"ssh-ed25519") + string(point)
        self.key = f"ssh-ed25519 {base64.b64encode(self._blob).decode()}"

    def lock(self, files: dict[str, bytes], trees: dict[str, dict[str, bytes]], sequence: int = 1) -> bytes:
        """A lock of some files, by name, and some folders of files."""

        def digest(content: bytes) -> str:
            return hashlib.sha256(content).hexdigest()

        def tree(inside: dict[str, bytes]) -> str:
            return digest("".join(f"{digest(content)}  {file}\n" for file, content in sorted(inside.items())).encode())

        lines = [
            "version: 1",
            f"vault: {VAULT}",
            f"sequence: {sequence}",
            "signed_at: 2026-11-22T10:00:00Z",
            "owners:",
            f"  - {{name: olivia, key: {self.key}}}",
            "files:",
            *(f"  {name}: sha256:{digest(content)}" for name, content in sorted(files.items())),
            *(["trees:"] if trees else []),
            *(f"  {name}: sha256:{tree(inside)}" for name, inside in sorted(trees.items())),
        ]
        return ("\n".join(lines) + "\n").encode()

    def sign(self, message: bytes, *, namespace: bytes = b"agent-vault", algorithm: bytes = b"sha512") -> bytes:
        hashed = hashlib.new(algorithm.decode(), message).digest()
        data = b"SSHSIG" + string(namespace) + string(b"") + string(algorithm) + string(hashed)
        signature = string(b"ssh-ed25519") + string(self._private.sign(data))
        blob = (
            b"SSHSIG"
            + (1).to_bytes(4, "big")
            + string(self._blob)
            + string(namespace)
            + string(b"")
            + string(algorithm)
            + string(signature)
        )
        text = base64.b64encode(blob).decode()
        lines = [text[at : at + 70] for at in range(0, len(text), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]).encode()


def write_vault(root: Path, owner: Owner, secrets: dict[str, bytes]) -> None:
    """A vault of secrets in one folder, `big`, signed by its owner; and the owner's key file beside the vault."""
    recipient = owner.identity.to_public()
    files = {"config.yaml": f"version: 1\nencryption:\n  format: age\nid: {VAULT}\n".encode(), "manifest.yaml": b"version: 1\n"}
    inside = {f"{name}.enc": pyrage.encrypt(value, [recipient]) for name, value in secrets.items()}
    for name, content in {**files, **{f"secrets/big/{name}": content for name, content in inside.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    lock = owner.lock(files, {"secrets/big": inside})
    (root / "vault.lock").write_bytes(lock)
    (root / "vault.lock.sig").write_bytes(owner.sign(lock))
    (root.parent / "owner.key").write_text(f"# role: owner\n{owner.identity}\n")
