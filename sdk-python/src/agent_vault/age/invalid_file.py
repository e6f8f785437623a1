"""The error of a file that is not valid in the age format."""

from __future__ import annotations

from ..errors import VaultError, error


def invalid_file(secret: str, reason: str) -> VaultError:
    return error(
        "DAMAGED",
        f"{secret}: The encrypted file is damaged: {reason}.",
        "Restore the file from git (git checkout REVISION -- FILE) or from a backup.",
    )
