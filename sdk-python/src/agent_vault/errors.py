"""What can go wrong, in the words and codes that all doors of agent-vault share."""

from __future__ import annotations

import unicodedata
import warnings


class AgentVaultWarning(UserWarning):
    """Something that does not keep a secret from being read, and that a person should know."""


class VaultError(Exception):
    """The one error of agent-vault: what happened, what to do next (`remedy`), and a `code` to act on. No text holds a value or a key."""

    def __init__(self, code: str, message: str, remedy: str | None = None) -> None:
        super().__init__(code, message, remedy)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message} {self.remedy}"


class VaultNotFoundError(VaultError):
    """There is no vault at `repo_path`, or no key to read it with."""


class SecretNotFoundError(VaultError):
    """The vault has no such secret."""


class NotAuthorizedError(VaultError):
    """The key opens nothing of what was asked for."""


class ManifestError(VaultError):
    """The manifest, the configuration or a secret's metadata cannot be read."""


class VerificationError(VaultError):
    """What lies in the vault is not what its owner signed, or it is damaged; `code` says how."""


#: The codes of a vault that is not what its owner signed; none of them is a reason to go on with less.
VERIFICATION_CODES = frozenset(
    {
        "UNSIGNED",
        "BAD_SIGNATURE",
        "UNTRUSTED_SIGNER",
        "WRONG_VAULT",
        "TAMPERED",
        "ROLLBACK",
        "FORKED",
        "EXPIRED_STATE",
        "UNEXPECTED_RECIPIENT",
        "LINK_IN_VAULT",
    }
)

_CLASSES: dict[str, type[VaultError]] = {
    "VAULT_NOT_FOUND": VaultNotFoundError,
    "NO_KEY": VaultNotFoundError,
    "SECRET_NOT_FOUND": SecretNotFoundError,
    "NOT_AUTHORIZED": NotAuthorizedError,
    "INVALID_YAML": ManifestError,
    "INVALID_MANIFEST": ManifestError,
    "INVALID_CONFIG": ManifestError,
    "INVALID_METADATA": ManifestError,
    "INVALID_RECIPIENT": ManifestError,
    "GROUP_NOT_FOUND": ManifestError,
    "DAMAGED": VerificationError,
    "MIXED_RECIPIENTS": VerificationError,
    **dict.fromkeys(VERIFICATION_CODES, VerificationError),
}


def error(code: str, message: str, remedy: str | None = None) -> VaultError:
    """The error of a code, of the class that a program can catch."""
    return _CLASSES.get(code, VaultError)(code, message, remedy)


def is_verification_error(failure: VaultError) -> bool:
    return failure.code in VERIFICATION_CODES


def warn(message: str) -> None:
    warnings.warn(printable(message), AgentVaultWarning, stacklevel=2)


def printable(text: str) -> str:
    """Text from a file or a remote as it can be shown on a terminal: what would act there shows as an escape."""
    return "".join(_escaped(character) if _acts(character) else character for character in text)


def _acts(character: str) -> bool:
    return character not in "\t\u200c\u200d" and unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs"}


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
