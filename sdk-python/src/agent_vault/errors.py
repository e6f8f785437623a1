"""What can go wrong. The codes and messages are those of the command line and the Node SDK."""

from __future__ import annotations

import errno
import os
import warnings

from .error_codes import ERROR_CODES
from .text.credentials import hide_credentials
from .text.printable import printable

#: The home folder of a user who has none. Nothing can be below it, so reading finds nothing and writing fails.
NO_HOME = os.path.join(os.devnull, "no-home")


class AgentVaultWarning(UserWarning):
    """
    Something that a person should know and that does not prevent a read: a remote that could not be asked, an unsigned vault, an older
    state.

    >>> import warnings
    >>> from agent_vault import AgentVaultWarning
    >>> warnings.simplefilter("error", AgentVaultWarning)
    """


class VaultError(Exception):
    """
    The base of all errors of agent-vault. Neither text contains a secret or a key.

    `code` is one of a closed set and does not change between releases; `message` says what happened; `remedy` says what to do next, or is
    `None`. `str()` gives both sentences.

    >>> from agent_vault import Vault, VaultError
    >>> try:
    ...     Vault("/")
    ... except VaultError as error:
    ...     print(error.code, error.message)
    VAULT_NOT_FOUND There is no vault in / or above it.
    """

    def __init__(self, code: str, message: str, remedy: str | None = None) -> None:
        self.code = code
        self.message = hide_credentials(message)
        self.remedy = None if remedy is None else hide_credentials(remedy)
        super().__init__(code, self.message, self.remedy)

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message} {self.remedy}"


class VaultNotFoundError(VaultError):
    """There is no vault at `repo_path` (`VAULT_NOT_FOUND`), or no key to read it with (`NO_KEY`)."""


class SecretNotFoundError(VaultError):
    """The vault has no such secret (`SECRET_NOT_FOUND`)."""


class NotAuthorizedError(VaultError):
    """The key was not granted the secret (`NOT_AUTHORIZED`)."""


class ManifestError(VaultError):
    """
    The manifest, the configuration or a secret's metadata cannot be read, or the manifest has no such group.

    `INVALID_YAML`, `INVALID_MANIFEST`, `INVALID_CONFIG`, `INVALID_METADATA`, `INVALID_RECIPIENT`, `GROUP_NOT_FOUND`.
    """


class VerificationError(VaultError):
    """
    The vault is not what its owner signed, or a file is damaged.

    `UNSIGNED`, `BAD_SIGNATURE`, `TOO_NEW`, `UNTRUSTED_SIGNER`, `WRONG_VAULT`, `TAMPERED`, `ROLLBACK`, `FORKED`, `EXPIRED_STATE`,
    `UNEXPECTED_RECIPIENT`, `LINK_IN_VAULT`, `MIXED_RECIPIENTS`, `DAMAGED`.
    """


_CLASSES: dict[str, type[VaultError]] = {
    base.__name__: base
    for base in (VaultError, VaultNotFoundError, SecretNotFoundError, NotAuthorizedError, ManifestError, VerificationError)
}


def error(code: str, message: str, remedy: str | None = None) -> VaultError:
    """The error of a code, in the class that `ERROR_CODES` names. A code of a newer command line is a plain `VaultError`."""
    entry = ERROR_CODES.get(code)
    return (_CLASSES[entry.class_name] if entry else VaultError)(code, message, remedy)


def write_error(failure: OSError, what: str) -> VaultError:
    """The error for a failed write: `DISK_FULL`, `UNWRITABLE`. `what` names the file or folder in the message."""
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return error(
            "DISK_FULL", f"The disk is full, so {what} could not be written.", "Free some space and try again; nothing was changed."
        )
    if what.startswith(NO_HOME):
        return error(
            "UNWRITABLE",
            "You have no home folder, so nothing can be kept there.",
            "Set AGENT_VAULT_HOME to a folder of your own, then try again.",
        )
    reason = errno.errorcode.get(failure.errno or 0, "error")
    return error(
        "UNWRITABLE", f"{what} could not be written ({reason}).", "Check the owner and the permissions of the folder, then try again."
    )


def is_verification_error(failure: VaultError) -> bool:
    """Whether the vault is not what its owner signed. A caller must not go on with less after such an error."""
    entry = ERROR_CODES.get(failure.code)
    return entry is not None and entry.kind == "verification"


def warn(message: str) -> None:
    warnings.warn(printable(hide_credentials(message)), AgentVaultWarning, stacklevel=2)
