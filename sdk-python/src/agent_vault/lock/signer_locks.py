"""`signers/`: the states that changed who can sign the next."""

from __future__ import annotations

from typing import Protocol

from ..errors import VaultError
from ..format.file_source import FileReader
from ..format.layout import SIGNERS_FOLDER, signer_lock_file, signer_signature_file
from .open_lock import SignedLock, open_lock
from .signed_files import tampered


class VouchedFiles(FileReader, Protocol):
    """Files of a vault that its present state covers."""

    def files_below(self, folder: str) -> list[str]:
        """The files below a folder, by their paths in the vault."""


def signer_locks(files: VouchedFiles, vault: str) -> list[SignedLock]:
    """
    The first state of a vault, and each that changed its owners, by sequence and digest.

    They show who vouched for whom if the history of the repository does not go back far enough. Their signatures are valid; whether to
    trust them is another question. `vault` is the vault's id. Raises `TAMPERED`, `TOO_NEW`.
    """
    names = {file[len(SIGNERS_FOLDER) + 1 :].rsplit(".", 1)[0] for file in files.files_below(SIGNERS_FOLDER)}
    return sorted((_open(files, name, vault) for name in names), key=lambda signed: (signed.lock.sequence, signed.digest))


def _open(files: FileReader, name: str, vault: str) -> SignedLock:
    content, signature = files.read(signer_lock_file(name)), files.read(signer_signature_file(name))
    if content is None or signature is None:
        raise tampered([signer_lock_file(name) if content is None else signer_signature_file(name)])
    try:
        signed = open_lock(content, signature)
    except VaultError as problem:
        if problem.code != "BAD_SIGNATURE":
            raise
        raise tampered([signer_lock_file(name)]) from None
    if signed.digest != f"sha256:{name}" or signed.lock.vault != vault:
        raise tampered([signer_lock_file(name)])
    return signed
